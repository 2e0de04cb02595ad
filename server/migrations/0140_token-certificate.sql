-- The client certificate to which a token or session is bound (RFC 8705): SHA-256 of its DER, base64url; null where it is not bound.

alter table guard_token add column certificate text check (certificate ~ '^[A-Za-z0-9_-]{43}$');
alter table identity_session add column certificate text check (certificate ~ '^[A-Za-z0-9_-]{43}$');
