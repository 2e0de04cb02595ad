// Where the API is, for its routes and its callers.

export const apiBase = '/api/v1';
