/**
 * Asks the deployed policies for every row of access.ts, twice: the evaluator of the local run, which knows conditions,
 * resource policies, services and keys; and moto's own enforcement, by real calls with the credentials of each role.
 *
 * moto enforces policies of roles on SQS and S3 with their resources. It ignores conditions and policies of queues and
 * keys, matches other services' requests to `*` only, and reads no signature in a query string. Such rows are the
 * evaluator's alone.
 */
import assert from 'node:assert/strict';
import { evaluate, type Principal } from '../../local/policy-evaluator';
import { videoId } from '../../video/contract';
import { ACCESS, type Access, GROUP, OWN_TAG, STRANGERS, type Target, TRUST } from './access';
import { fact, type Facts } from './deployment';
import { ACCOUNT, REGION, runScript, type Server } from './moto-server';

/** Services that could be tried for each role. */
const SERVICES = [...new Set(Object.values(TRUST)), 's3.amazonaws.com'];

/** @returns what was proved, one line each. @throws AssertionError with every row that is answered wrongly. */
export async function checkLeastPrivilege(server: Server, facts: Facts): Promise<readonly string[]> {
  const evaluated = ACCESS.map((access) => evaluateAccess(facts, access));
  expectAnswers('the evaluator', evaluated);
  checkTrust(facts);

  const enforced = callWithRoles(server, facts);
  expectAnswers("moto's enforcement", enforced);
  const called = enforced.filter((answer) => answer !== undefined);
  const lines = [
    `least privilege: ${ACCESS.length} requests decided as they must be by the deployed policies ` +
      `(${ACCESS.filter(({ allowed }) => allowed).length} allowed, the others denied)`,
    `least privilege: ${called.length} of them made with the roles' credentials against moto's enforcement ` +
      `(${called.filter(Boolean).length} allowed, the others denied)`,
  ];
  return [...lines, await useApiUnderEnforcement(server, facts)];
}

/** Whether the deployed policies allow the request. */
function evaluateAccess(facts: Facts, { who, action, on, context = {} }: Access): boolean {
  const role = 'role' in who ? fact(facts, who.role) : undefined;
  const principal: Principal =
    'service' in who
      ? { kind: 'service', service: who.service }
      : { kind: 'aws', arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role?.id}/session` };
  const source = 'service' in who ? arnOf(facts, { path: who.source }) : undefined;
  const target = 'path' in on ? fact(facts, on.path) : undefined;
  const ownTag = fact(facts, GROUP).tags ?? {};
  const given = Object.entries(context).map(([key, value]) => [
    key,
    value === OWN_TAG ? (ownTag[key.split('/')[1] ?? ''] ?? '') : value,
  ]);
  const isKey = target?.type === 'AWS::KMS::Key';
  const { decision } = evaluate({
    identityPolicies: role?.policies ?? [],
    ...(target?.policy && (isKey ? { keyPolicy: target.policy } : { resourcePolicy: target.policy })),
    request: {
      principal,
      action,
      resource: arnOf(facts, on),
      resourceAccount: ACCOUNT,
      context: {
        'aws:SecureTransport': 'true',
        ...(isKey && { 'kms:ViaService': `sqs.${REGION}.amazonaws.com`, 'kms:CallerAccount': ACCOUNT }),
        ...(source !== undefined && { 'aws:SourceArn': source, 'aws:SourceAccount': ACCOUNT }),
        ...(Object.fromEntries(given) as Record<string, string>),
      },
    },
  });
  return decision === 'allow';
}

/** Each role is for one service. */
function checkTrust(facts: Facts): void {
  for (const [path, trusted] of Object.entries(TRUST)) {
    const { trust, arn = '' } = fact(facts, path);
    assert.ok(trust, `${path} has no trust policy`);
    for (const service of SERVICES) {
      const { decision } = evaluate({
        resourcePolicy: trust,
        request: {
          principal: { kind: 'service', service },
          action: 'sts:AssumeRole',
          resource: arn,
          // What flow logs say of themselves; the other services are not asked for it.
          context: {
            'aws:SourceAccount': ACCOUNT,
            'aws:SourceArn': `arn:aws:ec2:${REGION}:${ACCOUNT}:vpc-flow-log/fl-1`,
          },
        },
      });
      assert.equal(decision === 'allow', service === trusted, `${service} takes on ${path}: ${decision}`);
    }
  }
}

/** Makes the calls of all rows that moto can decide. Undefined: not one of them. */
function callWithRoles(server: Server, facts: Facts): readonly (boolean | undefined)[] {
  const rows = ACCESS.map(({ who, action, on, context }) =>
    'role' in who && context === undefined
      ? { role: fact(facts, who.role).arn, action, arn: arnOf(facts, on) }
      : undefined,
  );
  const { text } = runScript(
    'enforced_calls.py',
    [server.endpoint, REGION],
    JSON.stringify({ strangers: Object.values(STRANGERS).map(({ arn }) => arn), rows }),
  );
  return (JSON.parse(text) as readonly (boolean | null)[]).map((answer) => answer ?? undefined);
}

/** The deployed handler does its work with its role's rights alone. */
async function useApiUnderEnforcement(server: Server, facts: Facts): Promise<string> {
  const apiUrl = `${server.apis}/${fact(facts, 'Upload/Api').id}`;
  await enforce(server, 0);
  try {
    const opened = await fetch(`${apiUrl}/uploads`, {
      method: 'POST',
      body: JSON.stringify({ name: 'long.mp4', type: 'video/mp4', size: 1_000_000_000 }),
    });
    assert.equal(opened.status, 201, await opened.text());
    const listed = await fetch(`${apiUrl}/videos`);
    assert.equal(listed.status, 200, await listed.text());
    // Not there, which only a role that may list the bucket is told.
    const missing = await fetch(`${apiUrl}/videos/${videoId(0, '0'.repeat(12))}`);
    assert.equal(missing.status, 404, await missing.text());
  } finally {
    await enforce(server, Infinity);
  }
  return "least privilege: the deployed handler opened an upload and listed videos under moto's enforcement";
}

/** Lets moto authorize every request after the next `free` ones. */
async function enforce({ endpoint }: Server, free: number): Promise<void> {
  const answer = await fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body: String(free) });
  assert.ok(answer.ok, `moto does not switch its enforcement: ${answer.status}`);
}

function arnOf(facts: Facts, target: Target): string {
  if ('arn' in target) return target.arn;
  const { arn, id, type } = fact(facts, target.path);
  const own = type === 'AWS::CloudFront::Distribution' ? `arn:aws:cloudfront::${ACCOUNT}:distribution/${id}` : arn;
  if (own === undefined) throw new Error(`${target.path} has no ARN`);
  return target.key === undefined ? own : `${own}/${target.key}`;
}

/** @throws AssertionError with every row whose answer is another than the expected one. */
function expectAnswers(who: string, answers: readonly (boolean | undefined)[]): void {
  const wrong = ACCESS.filter(({ allowed }, row) => answers[row] !== undefined && answers[row] !== allowed);
  assert.equal(
    wrong.length,
    0,
    `${who} must answer otherwise:\n${wrong.map((access) => `  ${JSON.stringify(access)}`).join('\n')}`,
  );
}
