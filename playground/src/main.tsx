import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './style.css';
import './phone.css';
import './workers';

import { createRoot } from 'react-dom/client';

import { App } from './App';
import { say } from './notice';
import { meetServer } from './server';

meetServer().catch(() => say({ text: 'The server cannot be reached.' }));
createRoot(document.getElementById('root')!).render(<App />);
