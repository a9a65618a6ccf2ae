import ts from 'typescript';

/** The titles of a test file as they are written: those of `test.each` with their placeholders. */
export function testTitlesOf(source: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTest(node.expression)) {
      const [title] = node.arguments;
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.push(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('file.ts', source, ts.ScriptTarget.ESNext));
  return titles;
}

/** `test` and `test.each(table)`. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'test';
  return ts.isCallExpression(callee) && ts.isPropertyAccessExpression(callee.expression)
    ? isTest(callee.expression.expression)
    : false;
}
