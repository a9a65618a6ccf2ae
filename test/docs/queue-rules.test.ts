import { type App, CfnResource, Duration, Stack, Validations } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BROKEN, queue, type Resources } from '../support/broken-templates';
import { codeBlocksIn } from '../support/code-blocks';
import { runApp } from '../support/run-code-block';
import { validate } from '../support/validators';

/** The code of docs/queue-rules.md, run as it stands there, refuses what the page says. */

jest.setTimeout(180_000);
const PAGE = readFileSync(join(__dirname, '../../docs/queue-rules.md'), 'utf8');
const [BLOCK] = codeBlocksIn('docs/queue-rules.md', PAGE);
const [, FLAG = ''] = /"context": \{ "([^"]+)": true \}/.exec(PAGE) ?? [];

const context = process.env['CDK_CONTEXT_JSON'];
beforeEach(() => void jest.spyOn(console, 'error').mockImplementation());
afterEach(() => {
  jest.restoreAllMocks();
  if (context === undefined) delete process.env['CDK_CONTEXT_JSON'];
  else process.env['CDK_CONTEXT_JSON'] = context;
});

/** The page's app, with the context that the CDK command line hands over from cdk.json. */
function pageApp(flags: object): App {
  process.env['CDK_CONTEXT_JSON'] = JSON.stringify(flags);
  return runApp(BLOCK?.code ?? '');
}

function addTemplate(app: App, id: string, resources: Resources): void {
  const stack = new Stack(app, id);
  for (const [logicalId, { Type: type, Properties }] of Object.entries(resources)) {
    new CfnResource(stack, logicalId, { type, properties: Properties as Record<string, unknown> });
  }
}

describe('docs/queue-rules.md', () => {
  test('its app refuses each broken template, with a reason', () => {
    const app = pageApp({ [FLAG]: true });
    BROKEN.forEach(([, , resources], index) => addTemplate(app, `Broken${index}`, resources));
    const { findings, stops } = validate(app);
    expect(stops).toBe(true);
    expect(BROKEN.length).toBeGreaterThanOrEqual(20);
    for (const [index, [rule, logicalId]] of BROKEN.entries()) {
      expect(findings).toContainEqual({ rule, path: `Broken${index}/${logicalId}` });
    }
  });

  test('one template that is brought in stops it; not without the flag, and not when it is acknowledged', () => {
    const folder = mkdtempSync(join(tmpdir(), 'queue-fleet-rules-'));
    const templateFile = join(folder, 'template.json');
    writeFileSync(templateFile, JSON.stringify({ Resources: { Queue: queue({ SqsManagedSseEnabled: false }) } }));
    const stops = (flags: object, acknowledged?: string): boolean => {
      const app = pageApp(flags);
      const stack = new Stack(app, 'Theirs');
      new CfnInclude(stack, 'Template', { templateFile });
      if (acknowledged !== undefined) Validations.of(stack).acknowledge({ id: acknowledged, reason: 'a test' });
      return validate(app).stops;
    };
    try {
      expect(stops({ [FLAG]: true })).toBe(true);
      expect(stops({})).toBe(false);
      const [, prefix = ''] = /id: '([\w-]+::)QF_/.exec(PAGE) ?? [];
      expect(stops({ [FLAG]: true }, `${prefix}QF_UNENCRYPTED_QUEUE`)).toBe(false);
      expect(stops({ [FLAG]: true }, `${prefix}QF_SHORT_POLL`)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('its app lets a queue of aws-cdk-lib pass that keeps the rules', () => {
    const app = pageApp({ [FLAG]: true });
    const stack = new Stack(app, 'Fine');
    const deadLetterQueue = new sqs.Queue(stack, 'Dead', { retentionPeriod: Duration.days(14) });
    new sqs.Queue(stack, 'Jobs', { deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: 3 } });
    const { findings } = validate(app);
    expect(findings.filter(({ rule }) => rule.startsWith('QF_'))).toEqual([]);
  });
});
