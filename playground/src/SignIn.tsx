// As a person of the demo with one click, as anybody else with their password.
import { type FormEvent, type RefObject, useState } from 'react';

import { Initials, word } from './Header';
import { say } from './notice';
import { server } from './server';
import { Refused, session, signIn, type SignInInput } from './session';
import { useStore } from './store';

export function SignIn({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  const demo = useStore(server)?.demo;
  const who = useStore(session);
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState('');
  const close = () => dialog.current?.close();
  const enter = async (input: SignInInput): Promise<string | undefined> => {
    setWrong('');
    setBusy(input.email);
    try {
      await signIn(input);
      say(null);
      close();
      // What opened the dialog may be gone.
      requestAnimationFrame(() => document.querySelector<HTMLElement>('.person')?.focus());
    } catch (error) {
      setWrong((error as Error).message);
      if (error instanceof Refused) return error.code;
    } finally {
      setBusy('');
    }
    return undefined;
  };
  return (
    <dialog
      ref={dialog}
      className="sign-in"
      aria-labelledby="sign-in-title"
      onClose={() => setWrong('')}
      // A click beside it.
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="sign-in-inside">
        <div className="sign-in-top">
          <h2 id="sign-in-title">{demo ? 'Sign in as …' : 'Sign in'}</h2>
          <button type="button" className="quiet" aria-label="Close" onClick={close}>
            ✕
          </button>
        </div>
        {wrong && (
          <p className="wrong" role="alert">
            {wrong}
          </p>
        )}
        {demo && (
          <div className="tenants">
            {demo.tenants.map((tenant) => (
              <section key={tenant.slug} aria-label={tenant.name}>
                <h3>{tenant.name}</h3>
                {tenant.people.map((person) => (
                  <button
                    key={person.email}
                    type="button"
                    className={`choice ${who?.email === person.email ? 'is-me' : ''}`}
                    disabled={busy !== ''}
                    title={person.email}
                    onClick={() => void enter({ email: person.email, password: demo.password })}
                  >
                    <Initials name={person.name} />
                    <span>
                      <span className="person-name">{person.name}</span>
                      <span className="person-role">{busy === person.email ? 'signing in …' : word(person.role)}</span>
                    </span>
                  </button>
                ))}
              </section>
            ))}
          </div>
        )}
        {demo ? (
          <details>
            <summary>With a password</summary>
            <Form enter={enter} busy={busy !== ''} />
          </details>
        ) : (
          <Form enter={enter} busy={busy !== ''} />
        )}
      </div>
    </dialog>
  );
}

interface FormProps {
  enter(input: SignInInput): Promise<string | undefined>;
  busy: boolean;
}

function Form({ enter, busy }: FormProps) {
  const [needsCode, setNeedsCode] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const text = (name: string) => String(given.get(name) ?? '').trim();
    const code = await enter({
      email: text('email'),
      password: String(given.get('password')),
      tenant: text('tenant') || undefined,
      totp: text('totp') || undefined,
    });
    setNeedsCode(code === 'TOTP_REQUIRED');
    if (code === undefined) form.reset();
  };
  return (
    <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
      <label>
        E-mail
        <input name="email" type="email" required autoComplete="username" />
      </label>
      <label>
        Password
        <input name="password" type="password" required autoComplete="current-password" />
      </label>
      <label>
        Tenant <small>if you work in several</small>
        <input name="tenant" placeholder="acme" autoComplete="organization" />
      </label>
      <label className={needsCode ? 'wanted' : ''}>
        Code <small>if you have an authenticator</small>
        <input name="totp" inputMode="numeric" autoComplete="one-time-code" required={needsCode} />
      </label>
      <button type="submit" className="strong" disabled={busy}>
        Sign in
      </button>
    </form>
  );
}
