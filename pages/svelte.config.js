import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

export default {
  preprocess: vitePreprocess({ script: true }),
  // Elements are made one by one, not parsed from text: nothing here needs innerHTML.
  compilerOptions: { runes: true, fragments: 'tree' },
};
