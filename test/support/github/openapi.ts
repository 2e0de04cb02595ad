// GitHub's own description of its REST API, as judge over what the fake is asked and what it answers.
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import document from './generated/openapi.json' with { type: 'json' };
import type { OperationName } from './operations.ts';

type Node = { readonly [key: string]: unknown };

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** OpenAPI 3.0 writes "or null" in a way of its own; JSON Schema wants it as an alternative. */
function asJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJsonSchema);
  if (!isNode(value)) return value;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, asJsonSchema(child)]),
  );
  return nullable === true ? { anyOf: [{ type: 'null' }, rest] } : rest;
}

const ajv = new Ajv({ strict: false, logger: false });
formats.default(ajv);
ajv.addSchema(asJsonSchema(document) as Node, 'github');
const coercing = new Ajv({ strict: false, logger: false, coerceTypes: true });
formats.default(coercing);
coercing.addSchema(asJsonSchema(document) as Node, 'github');

const compiled = new Map<string, ValidateFunction>();

function problemsAt(pointer: string, value: unknown): readonly string[] {
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `github#${pointer}` });
  compiled.set(pointer, validate);
  return problemsOf(validate, value);
}

function problemsOf(validate: ValidateFunction, value: unknown): readonly string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ''}`);
}

const escaped = (part: string): string => encodeURI(part.replaceAll('~', '~0').replaceAll('/', '~1'));

function at(pointer: string): unknown {
  let found: unknown = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = decodeURI(part).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isNode(found) ? found[key] : undefined;
  }
  return found;
}

/** A pointer to what is there, references followed. */
function resolved(pointer: string): string {
  const found = at(pointer);
  const reference = isNode(found) ? found['$ref'] : undefined;
  return typeof reference === 'string' ? resolved(reference.slice(1)) : pointer;
}

const jsonSchema = (pointer: string): string => `${pointer}/content/application~1json/schema`;

export interface OperationCheck {
  /** What is wrong with a request; an unknown key of the body is wrong too. */
  request(
    query: Readonly<Record<string, unknown>>,
    body: unknown,
    params: Readonly<Record<string, string>>,
  ): readonly string[];
  /** What is wrong with an answer; `undefined` is no body. */
  response(status: number, body: unknown): readonly string[];
}

/** The rules of one operation. */
export function operationCheck(name: OperationName): OperationCheck {
  const [method, path] = name.split(' ') as [string, string];
  const root = `/paths/${escaped(path)}/${method.toLowerCase()}`;
  const parameters = (at(`${root}/parameters`) as readonly unknown[] | undefined) ?? [];
  const parameterChecks = parameters.map((_, index) => {
    const pointer = resolved(`${root}/parameters/${index}`);
    const parameter = at(pointer) as { readonly name: string; readonly in: string };
    return {
      parameter,
      validate: coercing.compile({ properties: { value: { $ref: `github#${pointer}/schema` } } }),
    };
  });
  return {
    request: (query, body, params) => [
      ...parameterChecks.flatMap(({ parameter, validate }) => {
        const value = parameter.in === 'path' ? params[parameter.name] : query[parameter.name];
        return problemsOf(validate, value === undefined ? {} : { value }).map(
          (told) => `${parameter.name}${told}`,
        );
      }),
      ...bodyProblems(root, body),
    ],
    response: (status, body) => {
      const pointer = resolved(`${root}/responses/${status}`);
      if (at(pointer) === undefined) return [`${status} is no answer of ${name}`];
      const schema = jsonSchema(pointer);
      if (at(schema) === undefined) return body === undefined ? [] : [`${status} of ${name} has no body`];
      return problemsAt(schema, body);
    },
  };
}

function bodyProblems(root: string, body: unknown): readonly string[] {
  const schema = jsonSchema(`${root}/requestBody`);
  const found = at(schema);
  if (found === undefined) return [];
  if (body === undefined || body === null)
    return at(`${root}/requestBody/required`) === true ? ['the body is missing'] : [];
  const known = isNode(found) && isNode(found['properties']) ? Object.keys(found['properties']) : undefined;
  const unknown = known === undefined ? [] : Object.keys(body).filter((key) => !known.includes(key));
  return [...problemsAt(schema, body), ...unknown.map((key) => `/${key}: unknown to GitHub`)];
}
