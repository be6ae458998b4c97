import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { GraphiQLProvider } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface } from 'graphiql';

import { EXAMPLES, shownFirst } from './Examples';
import { groups } from './examples';
import { fetcher } from './fetcher';
import { Header } from './Header';
import { notice, say } from './notice';
import { ReadoutBar } from './Readout';
import { useStore } from './store';

const PLUGINS = [EXAMPLES, DOC_EXPLORER_PLUGIN, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];
const BEGIN = groups.flatMap((group) => group.examples).find((example) => example.file === 'companies');
const FIRST_TAB = [{ query: BEGIN?.text ?? '' }];

export function App({ plugin }: { plugin: ReturnType<typeof shownFirst> }) {
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      visiblePlugin={plugin}
      defaultTabs={FIRST_TAB}
      defaultQuery=""
      inputValueDeprecation
      schemaDescription
    >
      <HistoryStore>
        <DocExplorerStore>
          <div className="page">
            <Header />
            <NoticeBar />
            <main>
              <GraphiQLInterface showPersistHeadersSettings={false}>
                <GraphiQL.Logo>{' '}</GraphiQL.Logo>
                <GraphiQL.Footer>
                  <ReadoutBar />
                </GraphiQL.Footer>
              </GraphiQLInterface>
            </main>
          </div>
        </DocExplorerStore>
      </HistoryStore>
    </GraphiQLProvider>
  );
}

function NoticeBar() {
  const told = useStore(notice);
  return (
    <div aria-live="polite">
      {told && (
        <div className="notice">
          <span>{told.text}</span>
          {told.action && (
            <button type="button" className="strong" onClick={told.action.run}>
              {told.action.label}
            </button>
          )}
          <button type="button" className="quiet" aria-label="Dismiss" onClick={() => say(null)}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}
