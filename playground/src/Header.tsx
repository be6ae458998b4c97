// The bar above everything: who is signed in, and light or dark.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';

import { DarkIcon, LightIcon, SignOutIcon, SystemIcon } from './icons';
import { SignIn } from './SignIn';
import { server } from './server';
import { session, signOut } from './session';
import { useStore } from './store';

export function Header() {
  const who = useStore(session);
  const demo = useStore(server)?.demo;
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <header className="bar">
        <button type="button" className="strong skip" onClick={() => queryEditor?.focus()}>
          Skip to the editor
        </button>
        <a className="brand" href="/" aria-label="Kontor, to the welcome page">
          <img src="/kontor.svg" alt="" width="24" height="24" />
          <span>Kontor</span>
          {demo && <span className="badge">demo</span>}
        </a>
        <span className="space" />
        <ThemeButton />
        {who ? (
          <>
            <button
              type="button"
              className="person"
              aria-haspopup="dialog"
              title={`${who.name}, ${who.tenant}. Sign in as somebody else`}
              onClick={() => dialog.current?.showModal()}
            >
              <Initials name={who.name} />
              <span className="person-words">
                <span className="person-name">{who.name}</span>
                <span className="person-role">
                  {who.roles.map(word).join(', ')} · {who.tenant}
                </span>
              </span>
            </button>
            <button
              type="button"
              className="quiet"
              aria-label="Sign out"
              title="Sign out"
              onClick={() => void signOut()}
            >
              <SignOutIcon />
            </button>
          </>
        ) : (
          <button type="button" className="strong" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
            Sign in
          </button>
        )}
      </header>
      <SignIn dialog={dialog} />
    </>
  );
}

const THEMES = [
  { theme: null, name: 'as the system', Icon: SystemIcon },
  { theme: 'light', name: 'light', Icon: LightIcon },
  { theme: 'dark', name: 'dark', Icon: DarkIcon },
] as const;

function ThemeButton() {
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();
  const at = THEMES.findIndex((known) => known.theme === theme);
  const { name, Icon } = THEMES[at] ?? THEMES[0];
  const next = THEMES[(at + 1) % THEMES.length] ?? THEMES[0];
  // The editors do not hear of it themselves.
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const follow = () => theme === null && setTheme(null);
    system.addEventListener('change', follow);
    return () => system.removeEventListener('change', follow);
  }, [theme, setTheme]);
  const label = `Colours: ${name}. Change to ${next.name}`;
  return (
    <button type="button" className="quiet" aria-label={label} title={label} onClick={() => setTheme(next.theme)}>
      <Icon />
    </button>
  );
}

export function Initials({ name }: { name: string }) {
  const words = name.split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return (
    <span className="initials" aria-hidden="true">
      {letters.map((of) => of?.charAt(0)).join('')}
    </span>
  );
}

/** "FIELD_STAFF" is "Field staff". */
export function word(constant: string) {
  const words = constant.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
