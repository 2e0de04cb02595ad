// What a directory asks about this end of SCIM (RFC 7643 §5–7).
import { groupSchemaId } from './groups.ts';
import { userSchemaId } from './user-resource.ts';

const unsupported = { supported: false };

/** `/ServiceProviderConfig`. */
export function serviceProviderConfig(base: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { ...unsupported, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: 200 },
    changePassword: unsupported,
    sort: unsupported,
    etag: unsupported,
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The token of identity.scim in the configuration of the guard.',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

interface Resource {
  readonly name: string;
  readonly schema: string;
  readonly attributes: readonly (readonly [
    name: string,
    type: string,
    required: boolean,
    multiValued: boolean,
  ])[];
}

const resources: readonly Resource[] = [
  {
    name: 'User',
    schema: userSchemaId,
    attributes: [
      ['userName', 'string', true, false],
      ['displayName', 'string', false, false],
      ['name', 'complex', false, false],
      ['emails', 'complex', false, true],
      ['active', 'boolean', false, false],
    ],
  },
  {
    name: 'Group',
    schema: groupSchemaId,
    attributes: [
      ['displayName', 'string', true, false],
      ['members', 'complex', false, true],
    ],
  },
];

/** `/ResourceTypes`. */
export function resourceTypes(base: string): readonly object[] {
  return resources.map(({ name, schema }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint: `/${name}s`,
    schema,
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}

/** `/Schemas`. */
export function schemas(base: string): readonly object[] {
  return resources.map(({ name, schema, attributes }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id: schema,
    name,
    attributes: attributes.map(([attribute, type, required, multiValued]) => ({
      name: attribute,
      type,
      required,
      multiValued,
      caseExact: false,
      mutability: 'readWrite',
      returned: 'default',
      uniqueness: attribute === 'userName' ? 'server' : 'none',
    })),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema}` },
  }));
}
