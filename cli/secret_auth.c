/*
 * Rotates auth's secret and the keys that are derived from it.
 *
 * Cookies and assertions are signed by one process and read by another, of
 * another service or of the same one, whose workers are replaced one by one. So
 * all processes first accept the new secret, and only then sign with it:
 *
 *   accept  sign with the old secret, accept the old and the new one
 *   sign    sign with the new secret, accept the new and the old one
 *
 * After each step all services are reloaded. A process that is one step behind
 * still accepts what the others sign, so the order of the services does not
 * matter. The secret before the old one is no longer accepted after the first
 * step.
 */
#include <time.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"
#include "secret_rotate.h"

/* When a rotation has ended: the time of change of this file. */
#define ROTATED_FILE ".rotated"

/*
 * The lifetime of a session. Within it, each cookie that is still in use has
 * been signed again: its session is extended, which sets the cookie, or it
 * expires.
 */
enum { SESSION_TTL_S = 7 * 86400 };

/* Whether the running services read auth's secrets from the store. */
static bool
check_sources(const struct secrets *s)
{
	const struct spec *spec = &s->stack.spec;
	const struct spec_service *v;
	struct secret_source source;
	static const char *const names[] = { "SECRET", "SECRET_PREVIOUS",
		"IDENTITY_KEY", "IDENTITY_KEY_PREVIOUS" };
	size_t first, j;
	int i;

	for (i = 0; i < spec->nservices; i++) {
		v = &spec->services[i];
		if (v->external)
			continue;
		first = v == spec->verifier ? 0 : 2;
		for (j = first; j < first + 2; j++) {
			if (!secrets_find(s, v, names[j], &source))
				return false;
			if (source.place == SECRET_PLACE_STORE)
				continue;
			print_error("%s does not read %s_%s from %s, so it "
				    "cannot be rotated here; rotate it where "
				    "it is set",
			    v->name, v->variable, names[j],
			    secret_store_path(&s->store, v->name,
				secret_variable(s->stack.arena, v, names[j])));
			return false;
		}
	}
	return true;
}

static bool
is_too_early(const struct secrets *s)
{
	int64_t changed_s = secret_store_changed_s(
	    &s->store, s->stack.spec.verifier->name, ROTATED_FILE);
	int64_t age_s = time(NULL) - changed_s;

	if (s->force || changed_s < 0 || age_s < 0 || age_s >= SESSION_TTL_S)
		return false;
	print_error("the last rotation ended %lld h ago: cookies that have not "
		    "been used since then are signed with the secret before "
		    "it, and would be refused. Wait until %d h after it, or "
		    "say --force to sign these users out",
	    (long long)(age_s / 3600), SESSION_TTL_S / 3600);
	return true;
}

/* Writes the files of a step, and makes the processes read them. */
static bool
take_step(const struct secrets *s, const struct secret_state *state)
{
	const struct spec *spec = &s->stack.spec;

	/*
	 * The state is written first: if this process ends now, the files may
	 * be of two steps, and only the state says what they must be.
	 */
	return secret_state_put(&s->store, spec, state) &&
	       secret_store_put_auth(&s->store, spec, &state->pair) &&
	       secrets_reload_all(s);
}

/*
 * Rotates the secret while no service runs: all processes will start with the
 * new one.
 */
static bool
rotate_stopped(const struct secrets *s, const struct secret_pair *old)
{
	const struct secret_pair pair = {
		.current = secret_new(s->stack.arena),
		.previous = old->current,
	};

	return secret_state_put(&s->store, &s->stack.spec,
		   &(struct secret_state){ "sign", pair }) &&
	       secret_store_put_auth(&s->store, &s->stack.spec, &pair);
}

static bool
rotate_running(const struct secrets *s, struct secret_state *state)
{
	const struct secret_pair *p = &state->pair;

	if (state->step == NULL) {
		*state = (struct secret_state){
			.step = "accept",
			.pair = { .current = p->current,
			    .previous = secret_new(s->stack.arena) },
		};
	} else {
		print_message("continuing the rotation that was interrupted");
	}
	if (str_eq(state->step, "accept")) {
		if (!take_step(s, state))
			return false;
		print_message("all services accept the new secret");
		*state = (struct secret_state){
			.step = "sign",
			.pair = { .current = p->previous,
			    .previous = p->current },
		};
	}
	if (!take_step(s, state))
		return false;
	print_message("all services sign with the new secret");
	return true;
}

bool
secrets_rotate_auth(const struct secrets *s)
{
	const struct spec *spec = &s->stack.spec;
	struct secret_state state;
	bool ok;

	if (!secret_state_find(&s->store, spec, &state) ||
	    (state.step == NULL && is_too_early(s)) ||
	    (state.step == NULL &&
		!secret_store_auth(&s->store, spec, &state.pair)))
		return false;
	if (s->runs)
		ok = check_sources(s) && rotate_running(s, &state);
	else
		ok = state.step != NULL || rotate_stopped(s, &state.pair);
	if (!ok)
		return false;
	if (!secret_store_put(&s->store, spec->verifier->name, ROTATED_FILE,
		arena_i64(s->stack.arena, time(NULL))) ||
	    !secret_store_remove(&s->store, spec->verifier->name, SECRET_STATE))
		return false;
	print_message("auth's secret was rotated; cookies of the previous "
		      "secret are accepted until the next rotation");
	return true;
}
