import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npm run dev` asks a Kontor that runs already.
const server = 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/playground/',
  plugins: [react()],
  // Nothing is small enough to be put into the page itself: its policy would refuse it.
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096,
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/playground/server.json': server,
      '/kontor.svg': server,
    },
  },
});
