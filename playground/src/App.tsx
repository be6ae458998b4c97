import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { GraphiQLProvider, useGraphiQL } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface } from 'graphiql';
import { useEffect } from 'react';

import { EXAMPLES, isPhone } from './Examples';
import { groups } from './examples';
import { fetcher } from './fetcher';
import { Header } from './Header';
import { notice, say } from './notice';
import { ReadoutBar } from './Readout';
import { useStore } from './store';

const PLUGINS = [EXAMPLES, DOC_EXPLORER_PLUGIN, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];
const BEGIN = groups.flatMap((group) => group.examples).find((example) => example.file === 'companies');
const FIRST_TAB = [{ query: BEGIN?.text ?? '' }];

// Decided once: it is only how the page begins.
const ROOM = !isPhone();

/** One plugin is not shown as far down as another was read. */
function backToTop() {
  requestAnimationFrame(() => document.querySelector('.graphiql-plugin')?.scrollTo(0, 0));
}

export function App() {
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      visiblePlugin={ROOM ? EXAMPLES : undefined}
      onTogglePluginVisibility={backToTop}
      defaultTabs={FIRST_TAB}
      defaultQuery=""
      inputValueDeprecation
      schemaDescription
    >
      <HistoryStore>
        <DocExplorerStore>
          <div className="page">
            <Header />
            <ActiveTab />
            <NoticeBar />
            <main>
              <GraphiQLInterface showPersistHeadersSettings={false} defaultEditorToolsVisibility={ROOM && 'variables'}>
                <GraphiQL.Logo> </GraphiQL.Logo>
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

/** Many tabs, or a small page: the active one is seen. */
function ActiveTab() {
  const title = useGraphiQL((state) => `${state.activeTabIndex} ${state.tabs[state.activeTabIndex]?.title}`);
  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [title]);
  return null;
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
