// TypeScript types of the API, from the document that describes it. Only what the document
// uses of JSON Schema is understood; anything else stops the build rather than become `any`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

function name(ref) {
  const found = /^#\/components\/schemas\/(\w+)$/.exec(ref);
  if (!found) throw new Error(`a reference that is not to a schema: ${ref}`);
  return found[1];
}

function type(schema) {
  if (schema === undefined || schema === true || Object.keys(schema).every((key) => key === 'description')) return 'unknown';
  if (schema.$ref) return name(schema.$ref);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return several.map(type).join(' | ');
  if (schema.allOf) return schema.allOf.map(type).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one })).join(' | ');
  switch (schema.type) {
    case 'string': return 'string';
    case 'integer':
    case 'number': return 'number';
    case 'boolean': return 'boolean';
    case 'null': return 'null';
    case 'array': return `Array<${type(schema.items)}>`;
    case 'object':
    case undefined: return object(schema);
    default: throw new Error(`a type that is not known: ${schema.type}`);
  }
}

function object(schema) {
  const fields = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const mark = (schema.required ?? []).includes(key) ? '' : '?';
    const said = value.description ? `/** ${value.description.replace(/\*\//g, '* /')} */ ` : '';
    return `${said}${JSON.stringify(key)}${mark}: ${type(value)}`;
  });
  const rest = schema.additionalProperties;
  if (fields.length === 0) return rest && rest !== true ? `Record<string, ${type(rest)}>` : 'Record<string, unknown>';
  return `{ ${fields.join('; ')} }`;
}

/// Writes the types of every schema of the document, when they differ from what is there.
export function generate(from, to) {
  const schemas = JSON.parse(readFileSync(from, 'utf8')).components?.schemas ?? {};
  const lines = Object.entries(schemas).map(([key, schema]) =>
    `${schema.description ? `/** ${schema.description} */\n` : ''}export type ${key} = ${type(schema)};`);
  const text = `// Generated from src/web/openapi.json by scripts/api-types.js.\n${lines.join('\n')}\n`;
  if (!existsSync(to) || readFileSync(to, 'utf8') !== text) writeFileSync(to, text);
}
