// The saved examples, beside the editors.
import { type GraphiQLPlugin, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useState } from 'react';

import { type Example, groups } from './examples';
import { fill } from './fill';
import { ExamplesIcon } from './icons';
import { say } from './notice';
import { demoPerson, server } from './server';
import { session, signIn } from './session';
import { useStore } from './store';

/** Is there room for one column only? */
export const isPhone = () => matchMedia('(max-width: 700px)').matches;

export const EXAMPLES: GraphiQLPlugin = {
  title: 'Examples',
  icon: ExamplesIcon,
  content: Examples,
};

function Examples() {
  const open = useOpen();
  const demo = useStore(server)?.demo;
  const who = useStore(session);
  const [wanted, want] = useState('');
  const words = wanted.toLowerCase().split(/\s+/);
  const fits = (example: Example) => {
    const text = `${example.title} ${example.group} ${example.about}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const shown = groups
    .map((group) => ({ ...group, examples: group.examples.filter(fits) }))
    .filter((group) => group.examples.length > 0);
  return (
    <section className="examples" aria-label="Examples">
      <h2 className="examples-title">Examples</h2>
      <p className="examples-lead">
        Each opens in a tab, with ids of records that you see.
        {demo && ' A name signs in as that person first.'}
      </p>
      <input
        type="search"
        className="examples-search"
        placeholder="Search …"
        aria-label="Search the examples"
        value={wanted}
        onChange={(event) => want(event.target.value)}
      />
      {shown.length === 0 && <p className="examples-lead">There is none like that.</p>}
      {shown.map((group) => (
        <details key={group.name} className="examples-group" open>
          <summary>
            {group.name} <span className="examples-count">{group.examples.length}</span>
          </summary>
          <ul>
            {group.examples.map((example) => (
              <li key={example.file}>
                <button type="button" className="example" title={example.about} onClick={() => open(example)}>
                  <span className={`dot ${example.kind}`} aria-label={example.kind} role="img" />
                  <span className="example-name">{example.title}</span>
                </button>
                {demo && example.email && (
                  <button
                    type="button"
                    className={`chip ${who?.email === example.email ? 'is-me' : ''}`}
                    aria-label={`${example.title}, as ${example.email}`}
                    title={`Sign in as ${example.email} and open`}
                    onClick={() => open(example, example.email)}
                  >
                    {example.email.split('@')[0]}
                  </button>
                )}
              </li>
            ))}
          </ul>
        </details>
      ))}
      <p className="legend" aria-hidden="true">
        <span className="dot query" /> query <span className="dot mutation" /> mutation{' '}
        <span className="dot subscription" /> subscription
      </p>
      <p className="legend">
        <a href="/playground/licenses.md">What this page is made of</a>
      </p>
    </section>
  );
}

/** Opens an example in a tab; with an address, signed in as that person. */
function useOpen() {
  const { addTab, changeTab, setVisiblePlugin, updateActiveTabValues } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor, schema } = useGraphiQL(
    pick('tabs', 'activeTabIndex', 'queryEditor', 'variableEditor', 'schema'),
  );
  const open = async (example: Example, email?: string) => {
    say(null);
    if (email && email !== session.get()?.email && !(await become(email))) return;
    const { variables, open } = await fill(example, schema);
    const there = tabs.findIndex((tab, at) =>
      at === activeTabIndex ? queryEditor?.getValue() === example.text : tab.query === example.text,
    );
    if (there >= 0 && there !== activeTabIndex) changeTab(there);
    if (there < 0 && queryEditor?.getValue().trim()) addTab();
    const written = Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : '';
    queryEditor?.setValue(example.text);
    variableEditor?.setValue(written);
    // The editors tell the tab a moment later; its name and the history are right at once.
    updateActiveTabValues({ query: example.text, variables: written, operationName: example.operation });
    if (isPhone()) setVisiblePlugin(null);
    tell(example, open, (other) => run(example, other));
  };
  const run = (example: Example, email?: string) => {
    open(example, email).catch((error: Error) => say({ text: error.message }));
  };
  return run;
}

async function become(email: string): Promise<boolean> {
  try {
    await signIn({ email, password: server.get()?.demo?.password ?? '' });
    return true;
  } catch (error) {
    say({ text: `${email}: ${(error as Error).message}` });
    return false;
  }
}

/** What is still to be done before the example runs. */
function tell(example: Example, open: string[], again: (email: string) => void) {
  const { email, having } = example;
  const me = session.get()?.email;
  const sentences = [];
  if (email && me !== email) sentences.push(`“${example.title}” is written for ${email}.`);
  if (having) sentences.push(`It needs somebody who has ${having}.`);
  if (open.length > 0) sentences.push(`Nothing was found for ${open.join(' and ')}: give a value.`);
  if (sentences.length === 0) return;
  const other = email && me !== email && demoPerson(email);
  const action = other ? { label: `Sign in as ${email.split('@')[0]}`, run: () => again(email) } : undefined;
  say({ text: sentences.join(' '), action });
}
