import { join } from 'node:path';
import * as lib from '../../lib';
import * as messaging from '../../messaging';
import { docPages } from '../support/doc-pages';

const PAGES = docPages(join(__dirname, '../..')).filter(({ file }) => file.startsWith('docs/'));
const kebab = (name: string): string => name.replace(/\B[A-Z]/g, '-$&').toLowerCase();

/** Classes that are values of another one's property, described on its page. */
const ON_ANOTHER_PAGE = ['FifoProducer', 'FifoThroughput', 'FleetEgress', 'WorkerSecret', 'WorkQueueBase'];

/** Static functions: `Producer.bucket`, `WorkerCode.fromModule`. */
const factoriesOf = (type: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(type)).flatMap(([name, { value }]) =>
    typeof value === 'function' && !name.startsWith('_') && name !== 'prototype' ? [name] : [],
  );

describe('pages of the documentation', () => {
  test('there is one for each construct, or a place on the page of the construct that takes it', () => {
    const names = Object.entries(lib).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    expect(names).toContain('WorkQueue');
    const pages = PAGES.map(({ file }) => file);
    const missing = names.filter((name) =>
      ON_ANOTHER_PAGE.includes(name)
        ? !PAGES.some(({ text }) => text.includes(name))
        : !pages.includes(`docs/${kebab(name)}.md`),
    );
    expect(missing).toEqual(['ConfigurationError']);
  });

  test('each choice of a class is on its page', () => {
    const choices = Object.entries(lib).flatMap(([name, value]) =>
      typeof value === 'function' ? factoriesOf(value).map((factory) => ({ name, factory })) : [],
    );
    expect(choices).toContainEqual({ name: 'Producer', factory: 'bucket' });
    const missing = choices.filter(({ name, factory }) => {
      const pages = PAGES.filter(({ file, text }) =>
        ON_ANOTHER_PAGE.includes(name) ? text.includes(name) : file === `docs/${kebab(name)}.md`,
      );
      return !pages.some(({ text }) => new RegExp(`\\b${factory}(\\(|\`)`).test(text));
    });
    expect(missing).toEqual([]);
  });

  test('all that the runtime exports is named', () => {
    const names = Object.keys(messaging);
    expect(names).toContain('Consumer');
    expect(names.filter((name) => !PAGES.some(({ text }) => new RegExp(`\\b${name}\\b`).test(text)))).toEqual([]);
  });
});
