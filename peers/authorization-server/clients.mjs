// The registered clients. Their secrets are fixed: they protect nothing but tests on this machine.

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** Scopes of machine clients and of protected resources. */
export const API_SCOPES = ['api:read', 'api:write'];

/** Clients that are known from the start. */
export const CLIENTS = [
  {
    client_id: 'bursar-cli',
    client_name: 'bursar',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
    response_types: ['code'],
    // RFC 8252 §7.3: any port of these is accepted, because the client is a native one.
    redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback', 'http://[::1]/callback'],
  },
  machine('service', 'client_secret_basic', { client_secret: 'service-secret-for-tests-only-0001' }),
  machine('service-post', 'client_secret_post', { client_secret: 'service-post-secret-for-tests-only-0002' }),
];

/** The client that proves itself by signatures of `jwks`, RFC 7523 §2.2; its id is `service-jwt`. */
export function signingClient(jwks) {
  return machine('service-jwt', 'private_key_jwt', { jwks });
}

function machine(id, authentication, credentials) {
  return {
    client_id: id,
    token_endpoint_auth_method: authentication,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: API_SCOPES.join(' '),
    ...credentials,
  };
}
