/** The text of a CloudFormation template, in JSON or YAML. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { TemplateError } from './template-parts';

/** Tags of the short forms that are not called `Fn::…` in full. */
const PLAIN = new Set(['Ref', 'Condition']);
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
const FUNCTIONS = new Set([
  ...PLAIN,
  ...[
    'And',
    'Base64',
    'Cidr',
    'Contains',
    'EachMemberEquals',
    'EachMemberIn',
    'Equals',
    'FindInMap',
    'GetAtt',
    'GetAZs',
  ],
  ...['If', 'ImportValue', 'Join', 'Length', 'Not', 'Or', 'Select', 'Split', 'Sub', 'ToJsonString', 'Transform'],
]);

/**
 * Parses a template. The short forms of YAML (`!Sub`) come back in full (`Fn::Sub`).
 *
 * @param file name for messages
 * @throws TemplateError when it is neither, or has what CloudFormation does not take (aliases, tags of others), with line and
 * column
 */
export function parseTemplateText(text: string, file: string): unknown {
  if (text.trimStart().startsWith('{')) return parseJson(text, file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent', prettyErrors: false });
  const at = (offset = 0): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const [error] = document.errors;
  if (error) throw new TemplateError(file, 'template', `is not YAML: ${error.message} (${at(error.pos[0])})`);
  return valueOf(document.contents, (node, reason) => {
    throw new TemplateError(file, 'template', `${reason} (${at(node.range?.[0])})`);
  });
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TemplateError(file, 'template', `is not JSON: ${(error as Error).message}`);
  }
}

function valueOf(node: unknown, refuse: (node: Node, reason: string) => never): unknown {
  const of = (inner: unknown): unknown => valueOf(inner, refuse);
  if (isAlias(node)) return refuse(node, `refers to '&${node.source}': CloudFormation knows no aliases`);
  let value: unknown = null;
  if (isMap(node)) value = Object.fromEntries(node.items.map((pair) => [String(of(pair.key)), of(pair.value)]));
  else if (isSeq(node)) value = node.items.map(of);
  else if (isScalar(node)) value = node.value;
  const tag = (node as Node | null)?.tag;
  // `tag:yaml.org,2002:str` and the like are YAML's own, and have been applied.
  if (tag === undefined || !tag.startsWith('!')) return value;
  const name = tag.slice(1);
  if (!FUNCTIONS.has(name)) return refuse(node as Node, `has the tag '${tag}', which is no function of CloudFormation`);
  if (PLAIN.has(name)) return { [name]: value };
  // `!GetAtt Queue.Arn`: an attribute's own name may have points, a logical id has none.
  const [id, ...attribute] = name === 'GetAtt' && typeof value === 'string' ? value.split('.') : [];
  return { [`Fn::${name}`]: id === undefined ? value : [id, attribute.join('.')] };
}
