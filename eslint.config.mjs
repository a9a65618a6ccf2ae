import tseslint from 'typescript-eslint';
import jsdoc from 'eslint-plugin-jsdoc';
import awscdk from 'eslint-plugin-awscdk';

const folders = ['lib', 'messaging', 'worker', 'sim', 'local', 'lambda', 'video', 'bin', 'test', 'bench', 'scripts'];

/**
 * Who may import whom. A folder that is missing here may import anything.
 * Each entry names whole folders or single files without their extension.
 */
const mayImport = {
  lib: ['worker/contract'],
  messaging: [],
  worker: ['messaging'],
  sim: [],
  local: ['sim', 'messaging', 'worker/contract'],
  lambda: ['messaging', 'video/contract'],
  video: ['lib', 'messaging'],
};

/** Forbids every relative path that leaves `folder` for one of our folders that is not allowed. */
const importRule = (folder) => {
  const allowed = mayImport[folder];
  const allowedFiles = allowed.filter((a) => a.includes('/'));
  const forbidden = folders.filter((f) => f !== folder && !allowed.includes(f));
  const exceptions = allowedFiles.map((f) => `(?!.*${f}(\\.js|\\.ts)?$)`).join('');
  return {
    name: `imports of ${folder}/`,
    files: [`${folder}/**/*.{ts,mts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^${exceptions}(\\.\\./)+(${forbidden.join('|')})(/|$)`,
              message: `${folder}/ may import ${allowed.length ? allowed.join(', ') : 'nothing of ours'} only (see CONTRIBUTING.md)`,
            },
          ],
        },
      ],
    },
  };
};

export default tseslint.config(
  { ignores: ['dist', '**/cdk.out', 'node_modules', 'tmp', '**/*.js', '**/*.cjs'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always'],
    },
  },
  ...Object.keys(mayImport).map(importRule),
  {
    name: 'properties with the seed of the run',
    files: ['test/**/*.ts'],
    ignores: ['test/support/properties.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'fast-check', message: 'import test/support/properties' }] },
      ],
    },
  },
  {
    name: 'public API of lib/',
    files: ['lib/**/*.ts'],
    plugins: { jsdoc, awscdk },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...awscdk.configs.strict?.rules,
      // What a construct made is exposed as the L2 that it is, so that callers need no cast to work on with it.
      'awscdk/no-construct-in-interface': 'off',
      'awscdk/no-construct-in-public-property-of-construct': 'off',
      // lib/private is shared by all folders of lib/; jsii hides it from users.
      'awscdk/no-import-private': 'off',
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          contexts: ['TSPropertySignature', 'MethodDefinition[accessibility!="private"]', 'TSInterfaceDeclaration'],
        },
      ],
      'no-console': 'error',
    },
  },
  { files: ['lib/private/**/*.ts'], rules: { 'jsdoc/require-jsdoc': 'off' } },
);
