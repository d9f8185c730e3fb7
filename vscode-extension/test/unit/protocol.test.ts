/** Holds `src/protocol.ts` true to the golden schema that is made from the server's own types. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import ts from 'typescript';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}
interface Golden {
  readonly requests: Readonly<Record<string, { readonly params: Schema | null; readonly result: Schema }>>;
  readonly hostRequests: Golden['requests'];
  readonly notifications: Readonly<Record<string, { readonly params: Schema }>>;
  readonly $defs: Readonly<Record<string, Schema>>;
}

const golden = JSON.parse(readFileSync('../tests/golden/protocol.schema.json', 'utf8')) as Golden;
const files = ['protocol.ts', 'hostprotocol.ts'].map((name) => ts.createSourceFile(name, readFileSync(`src/${name}`, 'utf8'), ts.ScriptTarget.ES2022, true));

const interfaces = new Map<string, ts.InterfaceDeclaration>();
const aliases = new Map<string, ts.TypeNode>();
for (const each of files) each.forEachChild((node) => {
  if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, node);
  if (ts.isTypeAliasDeclaration(node)) aliases.set(node.name.text, node.type);
});

/** A type in a form that both sides can be brought into: "null | number", "CommentItem[]", "'a' | 'b'". */
function written(node: ts.TypeNode): string {
  if (ts.isUnionTypeNode(node)) return union(node.types.map(written));
  if (ts.isTypeOperatorNode(node)) return written(node.type);
  if (ts.isArrayTypeNode(node)) return `${written(node.elementType)}[]`;
  const alias = ts.isTypeReferenceNode(node) ? aliases.get(node.getText()) : undefined;
  return alias ? written(alias) : node.getText();
}

function wanted(schema: Schema): string {
  if (schema.$ref) return schema.$ref.replace('#/$defs/', '');
  if (schema.enum) return union(schema.enum.map((word) => `'${word}'`));
  if (schema.anyOf) return union(schema.anyOf.map(wanted));
  if (schema.const !== undefined) return `'${schema.const}'`;
  if (schema.items) return `${wanted(schema.items)}[]`;
  return schema.type === 'integer' ? 'number' : (schema.type ?? 'unknown');
}

function union(parts: readonly string[]): string {
  return [...new Set(parts.flatMap((part) => part.split(' | ')))].sort().join(' | ');
}

function members(node: ts.InterfaceDeclaration | ts.TypeLiteralNode): Map<string, { type: ts.TypeNode; optional: boolean }> {
  const found = new Map<string, { type: ts.TypeNode; optional: boolean }>();
  for (const member of node.members.filter(ts.isPropertySignature)) {
    assert.ok(member.type);
    const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText();
    found.set(name, { type: member.type, optional: member.questionToken !== undefined });
  }
  return found;
}

const sent = new Set([
  ...Object.values(golden.requests).flatMap(({ params }) => (params ? [wanted(params)] : [])),
  ...Object.values(golden.hostRequests).map(({ result }) => wanted(result)),
]);

for (const [name, schema] of Object.entries(golden.$defs)) {
  test(`${name} has the fields that the server ${sent.has(name) ? 'reads' : 'writes'}`, () => {
    const node = interfaces.get(name);
    assert.ok(node, `src/protocol.ts has no interface ${name}`);
    const ours = Object.fromEntries([...members(node)].map(([field, { type, optional }]) => [field, `${written(type)}${optional ? ' ?' : ''}`]));
    const theirs = Object.entries(schema.properties ?? {}).map(([field, each]) => {
      // The server writes every field; what it reads may be left out where it has a default.
      const optional = sent.has(name) && !schema.required?.includes(field);
      return [field, `${wanted(each)}${optional ? ' ?' : ''}`];
    });
    assert.deepEqual(ours, Object.fromEntries(theirs));
  });
}

test('no type is left that the server does not know', () => {
  const known = new Set([...Object.keys(golden.$defs), 'Requests', 'HostRequests', 'Notifications']);
  assert.deepEqual([...interfaces.keys()].filter((name) => !known.has(name)), []);
});

const tables = [['Requests', golden.requests], ['HostRequests', golden.hostRequests]] as const;
for (const [table, requests] of tables) test(`the ${table} are those of the server, with their parameters and results`, () => {
  const node = interfaces.get(table);
  assert.ok(node);
  const ours = [...members(node)].map(([method, { type }]) => {
    assert.ok(ts.isTypeLiteralNode(type));
    const parts = members(type);
    return [method, [...['params', 'result']].map((part) => parts.get(part)?.type.getText())];
  });
  const theirs = Object.entries(requests).map(([method, { params, result }]) => [method, [params ? wanted(params) : 'null', wanted(result)]]);
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs));
});

test('the notifications are those of the server', () => {
  const node = interfaces.get('Notifications');
  assert.ok(node);
  const ours = [...members(node)].map(([method, { type }]) => [method, type.getText()]);
  const theirs = Object.entries(golden.notifications).map(([method, { params }]) => [method, wanted(params)]);
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs));
});
