/**
 * Deploys an app with the real CDK command line against moto's server and proves what docs/deploy-test.md says.
 *
 * Usage: tsx test/deploy/deploy.ts [--app COMMAND] [--context KEY=VALUE]...
 * Another app or context than the example's own is deployed, read back, deployed again without a change, and destroyed.
 * Needs python3; the server is installed into tmp/moto by pip. Where that is not possible the stage is skipped, loudly.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { Assembly, type Template } from './assembly';
import { Deployment } from './deployment';
import { checkLeastPrivilege } from './least-privilege';
import { installServer, type Server, startServer } from './moto-server';
import { breakTemplate, type Damage } from './mutations';
import { UPDATE, updateStack } from './update';
import { uploadThroughApi } from './upload';

const EXAMPLE = 'tsx bin/video-upload.ts';

const started = performance.now();
const step = (text: string): void =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      app: { type: 'string', default: EXAMPLE },
      context: { type: 'string', multiple: true, default: [] },
    },
  });
  if (!installServer()) {
    console.log(
      'SKIPPED: the deployment test needs python3 and a pip that reaches a package registry; nothing was deployed',
    );
    return;
  }
  const assembly = Assembly.synthesize('assembly', values.app, values.context);
  const isExample = values.app === EXAMPLE && values.context.length === 0;
  step(`synthesized ${Object.keys(assembly.template.Resources).length} resources`);
  await onServer('server', async (server) => {
    await deployUseDestroy(server, assembly, isExample);
    if (isExample) await noticeDamage(server, assembly);
  });
  if (isExample) await onServer('enforcing-server', (server) => enforceLeastPrivilege(server, assembly));
}

async function onServer(name: string, use: (server: Server) => Promise<void>): Promise<void> {
  const server = await startServer(name);
  try {
    await use(server);
  } finally {
    server.stop();
  }
}

/** The life of a stack. */
async function deployUseDestroy(server: Server, assembly: Assembly, isExample: boolean): Promise<void> {
  const deployment = new Deployment(server);
  deployment.bootstrap(assembly);
  deployment.deploy(assembly);
  step('bootstrapped and deployed');
  const { differences, summary } = deployment.readBack(assembly);
  assert.deepEqual(differences, [], 'what was deployed differs from the template');
  step(summary);
  if (isExample) (await uploadThroughApi(server, deployment.facts(assembly))).forEach(step);
  assert.match(deployment.deploy(assembly), /no changes/, 'the second deployment found something to change');
  step('deployed again: no changes');
  if (isExample) {
    const after = Assembly.synthesize('assembly-updated', EXAMPLE, [UPDATE.context]);
    updateStack(deployment, assembly, after);
    step(`updated with ${UPDATE.context}: only ${UPDATE.changes.join(', ')} changed, nothing was replaced`);
  }
  const facts = deployment.facts(assembly);
  deployment.destroy(assembly);
  assert.deepEqual(deployment.leftovers(facts), [], 'left behind after destroy');
  step('destroyed: nothing left');
}

/** Proves that the checks above can fail: a broken template, and a deployment that broke unnoticed by the command line. */
async function noticeDamage(server: Server, assembly: Assembly): Promise<void> {
  const deployment = new Deployment(server);
  let damages: readonly Damage[] = [];
  const broken = assembly.changed('assembly-broken', (template) => {
    damages = breakTemplate(template);
    addOutputWithoutValue(template);
  });
  assert.throws(() => deployment.deploy(broken), /outputs are missing \(Never\)/);
  step('noticed: an output without a value, of a deployment that the command line reported as complete');
  const { differences } = deployment.readBack(assembly);
  for (const { name, place } of damages) {
    assert.ok(
      differences.some((line) => line.startsWith(place)),
      `nobody noticed: ${name} (${place})`,
    );
    step(`noticed: ${name} (${place})`);
  }
  const others = differences.filter((line) => !damages.some(({ place }) => line.startsWith(place)));
  assert.deepEqual(others, [], 'differences that no mutation made');
  await assert.rejects(checkLeastPrivilege(server, deployment.facts(assembly)), /a-queue-of-somebody-else/);
  step('noticed: more than the least privilege');
  deployment.destroy(broken);

  const crashing = assembly.changed('assembly-crashing', ({ Resources }) => {
    // Without a topic the test server's own code fails.
    Resources['Crash'] = { Type: 'AWS::SNS::Subscription', Properties: {} };
  });
  assert.throws(() => deployment.deploy(crashing), /ROLLBACK_COMPLETE.*KeyError: 'TopicArn'/);
  step('noticed: a deployment that failed on the server');
}

function addOutputWithoutValue(template: Template): void {
  Object.assign((template.Outputs ??= {}), { Never: { Condition: 'Never', Value: 'none' } });
  Object.assign((template.Conditions ??= {}), { Never: { 'Fn::Equals': ['one', 'other'] } });
}

/** The second server, whose requests are authorized in the end. */
async function enforceLeastPrivilege(server: Server, assembly: Assembly): Promise<void> {
  const deployment = new Deployment(server);
  deployment.bootstrap(assembly);
  deployment.deploy(assembly);
  step('bootstrapped and deployed to a second server');
  (await checkLeastPrivilege(server, deployment.facts(assembly))).forEach(step);
}

void main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
