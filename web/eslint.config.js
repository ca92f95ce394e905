import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import typescript from 'typescript-eslint';

export default typescript.config(
  { ignores: ['dist', 'node_modules'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [...typescript.configs.recommendedTypeChecked, reactHooks.configs.flat['recommended-latest']],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      // What is asked for anew is not shown meanwhile.
      'react-hooks/set-state-in-effect': 'off',
    },
  },
  {
    files: ['e2e/**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['console', 'process', 'performance', 'setTimeout', 'URL', 'URLSearchParams', 'document', 'fetch', 'Blob', 'createImageBitmap',
          'OffscreenCanvas', 'ImageDecoder'].map((name) => [name, 'readonly']),
      ),
    },
  },
);
