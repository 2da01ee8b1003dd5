import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// One file, so that a page can load it without a bundler.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  publicDir: false,
  logLevel: 'warn',
  build: {
    lib: { entry: 'index.ts', formats: ['es'], fileName: () => 'index.js' },
    outDir: fileURLToPath(new URL('../../dist/client/', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Of a library, `build.minify` leaves the white space.
    rolldownOptions: { output: { minify: true } },
    sourcemap: false,
  },
});
