// The token endpoint of fhir_server.mjs: client credentials with a secret (RFC 6749) or a signed assertion (RFC 7523, SMART
// Backend Services), which jose verifies. It makes the keys: KEYS_DIR/rs384.pem and es384.pem are known to it, stranger.pem is not.
//   oauth: { method: private_key_jwt | client_secret, lives, says }   lives: seconds; says: what expires_in is, where that differs
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLocalJWKSet, decodeProtectedHeader, exportJWK, jwtVerify } from 'jose';

const CLIENT = 'hilum';
const SECRET = 'not a secret: + & % =';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export class Oauth {
  static async make(url, dir) {
    const keys = [];
    const pair = async (name, type, options) => {
      const { privateKey, publicKey } = generateKeyPairSync(type, options);
      writeFileSync(join(dir, `${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      return { ...(await exportJWK(publicKey)), kid: name, use: 'sig', alg: name.toUpperCase() };
    };
    keys.push(await pair('rs384', 'rsa', { modulusLength: 2048 }));
    keys.push(await pair('es384', 'ec', { namedCurve: 'P-384' }));
    await pair('stranger', 'ec', { namedCurve: 'P-384' });
    return new Oauth(url, createLocalJWKSet({ keys }));
  }

  constructor(url, keys) {
    Object.assign(this, { url, keys });
    this.ask(null);
  }

  ask(wanted) {
    Object.assign(this, { wanted, asked: [], seen: new Set(), tokens: new Map() });
  }

  revoke() {
    for (const token of this.tokens.values()) token.ends = 0;
  }

  // Of a request for FHIR: why it is not let in.
  refusal(authorization) {
    if (!this.wanted) return undefined;
    const token = this.tokens.get(authorization?.replace(/^Bearer /, ''));
    if (!token) return 'no token of mine';
    return Date.now() < token.ends ? undefined : 'the token has ended';
  }

  async token(request, text) {
    const form = new URLSearchParams(text);
    const asked = { at: Date.now(), scope: form.get('scope') };
    this.asked.push(asked);
    try {
      if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') throw new Error('not a form');
      if (form.get('grant_type') !== 'client_credentials') throw new Error('not client_credentials');
      await (this.wanted.method === 'client_secret' ? this.secret(request, form) : this.assertion(form, asked));
    } catch (error) {
      asked.status = 401;
      asked.why = error.message;
      return [401, { error: 'invalid_client', error_description: error.message }];
    }
    const token = randomUUID();
    const lives = this.wanted.lives ?? 3600;
    this.tokens.set(token, { ends: Date.now() + lives * 1000 });
    Object.assign(asked, { status: 200, token });
    return [200, { access_token: token, token_type: 'bearer', expires_in: this.wanted.says ?? lives, scope: asked.scope ?? undefined },
      { 'Cache-Control': 'no-store' }];
  }

  secret(request, form) {
    if (form.get('client_id') !== CLIENT || form.get('client_secret') !== SECRET) throw new Error('wrong secret');
  }

  async assertion(form, asked) {
    if (form.get('client_assertion_type') !== JWT_BEARER) throw new Error('client_assertion_type');
    const text = form.get('client_assertion');
    const head = decodeProtectedHeader(text);
    if (!head.kid || head.typ !== 'JWT') throw new Error('kid and typ are needed');
    const { payload } = await jwtVerify(text, this.keys, {
      issuer: CLIENT, subject: CLIENT, audience: this.url, algorithms: ['RS384', 'ES384'], requiredClaims: ['exp', 'jti'],
    });
    if (payload.exp > Date.now() / 1000 + 300) throw new Error('it lives longer than five minutes');
    if (this.seen.has(payload.jti)) throw new Error('jti was seen before');
    this.seen.add(payload.jti);
    Object.assign(asked, { alg: head.alg, kid: head.kid });
  }
}
