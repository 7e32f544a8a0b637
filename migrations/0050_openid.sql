-- Sign-in by OpenID Connect: which account elsewhere belongs to which person. A person has one at each issuer.
CREATE TABLE openid_subject (
    issuer    TEXT NOT NULL,                  -- who vouches, as configured
    subject   TEXT NOT NULL,                  -- what the issuer knows the account by: never another's
    person_id TEXT NOT NULL REFERENCES person (id),
    bound_ms  BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (issuer, person_id)
);
