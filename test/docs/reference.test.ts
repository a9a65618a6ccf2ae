import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Declared, declaredIn } from '../support/declared';

/** The generated pages of the interface, compared with the sources: what a build would find, without one. */

const ROOT = join(__dirname, '../..');
const DECLARED = declaredIn(ROOT);

/** Names of the types and members of docs/API.md: `QueueFleet`, `QueueFleet.queue`. */
function documented(): Set<string> {
  const text = readFileSync(join(ROOT, 'docs/API.md'), 'utf8');
  const ids = [...text.matchAll(/ id="cdk-queue-fleet\.([\w.]+)"/g)].map(([, id = '']) => id);
  return new Set(
    ids.filter((id) => !/\.(parameter|Initializer)(\.|$)/.test(id)).map((id) => id.replace('.property.', '.')),
  );
}

/** The same of api/lib.api.md. */
function reported(): Set<string> {
  const text = readFileSync(join(ROOT, 'api/lib.api.md'), 'utf8');
  const names = new Set<string>();
  let type = '';
  for (const line of text.split('\n')) {
    const opened = /^export (?:abstract )?(?:class|interface|enum) (\w+)/.exec(line)?.[1];
    if (opened !== undefined) names.add((type = opened));
    const member = /^ {4}(?:(?:static|readonly|abstract|get|set|protected) )*(\w+)\??(?:[:(]| =)/.exec(line)?.[1];
    if (member !== undefined && member !== 'constructor') names.add(`${type}.${member}`);
  }
  return names;
}

const all = (types: readonly Declared[]): string[] =>
  types.flatMap(({ name, members }) => [name, ...members.map((member) => `${name}.${member}`)]);

describe.each([
  // jsii leaves out what is an Error of JavaScript.
  { page: 'docs/API.md', names: documented, leftOut: ['ConfigurationError'] },
  { page: 'api/lib.api.md', names: reported, leftOut: [] as string[] },
])('$page (npm run build && npm run api:update)', ({ names, leftOut }) => {
  const declared = DECLARED.filter(({ name }) => !leftOut.includes(name));

  test('has all that lib/ declares', () => {
    expect(declared.length).toBeGreaterThan(30);
    const there = names();
    expect(all(declared).filter((name) => !there.has(name))).toEqual([]);
  });

  test('has no class or property that is there no more', () => {
    const types = new Set(declared.map(({ name }) => name));
    const members = new Set(declared.flatMap((type) => type.members));
    const inherited = new Set(['node', 'isConstruct', 'toString', 'with']);
    const gone = [...names()].filter((name) => {
      const [type = '', member] = name.split('.');
      return !types.has(type) || (member !== undefined && !members.has(member) && !inherited.has(member));
    });
    expect(gone).toEqual([]);
  });
});
