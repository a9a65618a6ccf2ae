import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeBlocksIn } from '../support/code-blocks';
import { tableRowsOf } from '../support/doc-pages';
import { stackOf } from '../support/run-code-block';

/** Counts what is billed by the hour or month in the recipe's fleet, and compares the page with it. */

jest.setTimeout(60_000);
const PAGE = join(__dirname, '../../docs/recipes/cost-of-a-fleet.md');
const BLOCK = /(<!-- counted starts[^\n]*-->\n)[^]*?(<!-- counted ends -->)/;

const HEAD = ['fleet', 'endpoint hours an hour', 'NAT gateways', 'keys', 'metrics in alarms'];

const root = process.cwd();
let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'queue-fleet-cost-'));
  mkdirSync(join(project, 'src'));
  writeFileSync(join(project, 'src/handler.ts'), 'export const handler = async () => {};\n');
  process.chdir(project);
});
afterAll(() => {
  process.chdir(root);
  rmSync(project, { recursive: true });
});

interface Counts {
  readonly endpointHours: number;
  readonly natGateways: number;
  readonly keys: number;
  readonly alarmMetrics: number;
}

function count(stack: Stack): Counts {
  const template = Template.fromStack(stack);
  const properties = (type: string) =>
    Object.values(template.findResources(type)).map((resource) => resource['Properties']);
  return {
    endpointHours: properties('AWS::EC2::VPCEndpoint')
      .filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface')
      .reduce((sum, { SubnetIds }) => sum + SubnetIds.length, 0),
    natGateways: properties('AWS::EC2::NatGateway').length,
    keys: properties('AWS::KMS::Key').length,
    alarmMetrics: properties('AWS::CloudWatch::Alarm').reduce(
      (sum, { Metrics }) => sum + (Metrics?.filter((metric: object) => 'MetricStat' in metric).length ?? 1),
      0,
    ),
  };
}

/** The fleet of the page, with another line in its properties. */
function fleetWith(line: string): Counts {
  const [block] = codeBlocksIn('cost', readFileSync(PAGE, 'utf8'));
  const code = (block?.code ?? '').replace('maxCapacity: 20,', `maxCapacity: 20, ${line}`);
  return count(stackOf(code.replace('{ QueueFleet,', '{ FleetEgress, Encryption, QueueFleet,')));
}

describe('docs/recipes/cost-of-a-fleet.md', () => {
  test('shows what the template has', () => {
    const fleets: ReadonlyArray<readonly [string, Counts]> = [
      ['the fleet below', fleetWith('')],
      ['with `egress: FleetEgress.NAT_GATEWAY`', fleetWith('egress: FleetEgress.NAT_GATEWAY')],
      ['with `encryption: Encryption.sqsManaged()`', fleetWith('encryption: Encryption.sqsManaged()')],
      ['with `minCapacity: 0`', fleetWith('minCapacity: 0')],
    ];
    const rows = fleets.map(([name, c]) => [name, ...Object.values(c as object).map(String)]);
    if (process.env['WRITE_DOCS'] !== undefined) {
      const page = readFileSync(PAGE, 'utf8');
      const table = [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
      writeFileSync(
        PAGE,
        page.replace(BLOCK, (_, start: string, end: string) => `${start}\n${table}\n\n${end}`),
      );
    }
    expect(tableRowsOf(BLOCK.exec(readFileSync(PAGE, 'utf8'))?.[0] ?? '')).toEqual(rows);
  });
});
