import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // The page may be below any path: notebooks have it below the token.
  base: './',
  // One file of each kind: everything comes from this machine.
  build: {
    chunkSizeWarningLimit: 4000,
    sourcemap: false,
    target: 'es2022',
    // The packages that are in the page ask for it.
    license: { fileName: 'licenses.md' },
  },
});
