import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** An exported class, interface or enum of `lib/`, with the names of its own public members. */
export interface Declared {
  readonly name: string;
  readonly members: readonly string[];
}

/** What lib/index.ts exports by way of `export * from`, read without a compiler's type check. */
export function declaredIn(root: string): Declared[] {
  return exportsOf(join(root, 'lib/index.ts'));
}

function exportsOf(file: string): Declared[] {
  const { statements } = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  return statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) return exportsOf(targetOf(file, statement));
    return isDeclaration(statement) && isExported(statement) && !isHidden(statement) ? [declared(statement)] : [];
  });
}

function targetOf(file: string, { moduleSpecifier }: ts.ExportDeclaration): string {
  const specifier = moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : '';
  const path = join(dirname(file), specifier);
  return existsSync(`${path}.ts`) ? `${path}.ts` : join(path, 'index.ts');
}

type Declaration = ts.ClassDeclaration | ts.InterfaceDeclaration | ts.EnumDeclaration;

const isDeclaration = (node: ts.Node): node is Declaration =>
  ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isEnumDeclaration(node);

const modifiersOf = (node: ts.Node): readonly ts.SyntaxKind[] =>
  (ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined)?.map(({ kind }) => kind) ?? [];

const isExported = (node: ts.Node): boolean => modifiersOf(node).includes(ts.SyntaxKind.ExportKeyword);

/** Not for users: by modifier, or by a comment that keeps it out of the declarations. */
function isHidden(node: ts.Node): boolean {
  const modifiers = modifiersOf(node);
  return (
    modifiers.includes(ts.SyntaxKind.PrivateKeyword) ||
    modifiers.includes(ts.SyntaxKind.ProtectedKeyword) ||
    ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
  );
}

function declared(node: Declaration): Declared {
  const members = [...node.members].flatMap((member): ReadonlyArray<ts.Node & { name?: ts.Node }> =>
    ts.isConstructorDeclaration(member)
      ? member.parameters.filter((parameter) => modifiersOf(parameter).length > 0)
      : [member],
  );
  const names = members
    .filter((member) => !isHidden(member))
    .flatMap(({ name }) => (name !== undefined && ts.isIdentifier(name) ? [name.text] : []));
  return { name: node.name?.text ?? '', members: [...new Set(names)] };
}
