#include "wallet/batch/batch_routes.h"

#include <stdlib.h>
#include <string.h>

#include "app/service_hooks.h"
#include "app/service_main.h"
#include "base/arena.h"
#include "base/json.h"
#include "job/job.h"
#include "wallet/batch/batch.h"
#include "wallet/ledger/ledger_code.h"
#include "wallet/transfer/transfer_view.h"
#include "wallet/wallet.h"

/* The body limit is the same in nginx. */
enum { BODY_MAX_BYTES = 1024 * 1024, ERROR_MAX_BYTES = 1024 };
enum { RATE_PERIOD_MS = 60000 };

struct batch_in {
	const char *key;
	bool atomic;
	struct objects transfers;
};
struct item_error {
	const char *code;
	const char *message;
};
struct item_out {
	const void *transfer;
	const void *error;
};
struct batch_out {
	struct objects results;
};

/* clang-format off */
static const struct field item_fields[] = {
	TRANSFER_ORDER_FIELDS(struct batch_item),
	{ FIELD(struct batch_item, key, "idempotencyKey"), .nullable = true,
	  .min = 1, .max = OPERATION_KEY_MAX,
	  .doc = "The idempotency key of this item, from the same set as those "
	    "of single transfers." },
	{ 0 },
};
static const struct schema item_schema = { .name = "BatchItem",
	.size = sizeof(struct batch_item), .fields = item_fields,
	.refuse_unknown = true };
static const struct field in_fields[] = {
	{ OPERATION_KEY_FIELD(struct batch_in, key) },
	{ FIELD(struct batch_in, atomic, "atomic"),
	  .doc = "true: make all transfers or none; false: make each "
	      "independently." },
	{ FIELD(struct batch_in, transfers, "transfers"), .required = true,
	  .min = 1, .max = -1, .of = &item_schema, .doc = "At most 1000." },
	{ 0 },
};
static const struct field error_fields[] = {
	{ FIELD(struct item_error, code, "code"), .required = true },
	{ FIELD(struct item_error, message, "message"), .required = true },
	{ 0 },
};
static const struct schema error_schema =
	SCHEMA_NAMED("BatchError", struct item_error, error_fields);
static const struct field result_fields[] = {
	{ FIELD(struct item_out, transfer, "transfer"),
	  .of = &transfer_schema, .doc = "The transfer, if it was made." },
	{ FIELD(struct item_out, error, "error"),
	  .of = &error_schema, .doc = "The error, if it was not made." },
	{ 0 },
};
static const struct schema result_schema =
	SCHEMA_NAMED("BatchResult", struct item_out, result_fields);
static const struct field out_fields[] = {
	{ FIELD(struct batch_out, results, "results"), .required = true,
	  .of = &result_schema, .doc = "One for each transfer, in order." },
	{ 0 },
};
/* clang-format on */

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Refuses a batch in which two items have the same key: it would not be defined
 * which of them is the replay.
 */
static enum err
check_keys(struct req *r, const struct batch *batch, const char *whole)
{
	const char **keys =
	    arena_alloc(r->arena, (size_t)(batch->count + 1) * sizeof(*keys));
	size_t n = 0;

	keys[n++] = whole;
	for (int64_t i = 0; i < batch->count; i++) {
		const char *key = batch->items[i].key;

		if (key == NULL)
			continue;
		if (!operation_key_is_valid(key))
			return req_invalid(r,
			    arena_printf(r->arena,
				"transfers[%lld].idempotencyKey", (long long)i),
			    "must be 1 to 255 visible ASCII characters");
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_texts);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return req_invalid(
			    r, "transfers", "have the same key twice");
	}
	return ERR_OK;
}

/* Computes the digests of the batch and of each item. */
static void
digest(struct req *r, const struct batch *batch, struct operation *whole)
{
	operation_add_text(whole, operation_bool(batch->atomic));
	for (int64_t i = 0; i < batch->count; i++) {
		struct batch_item *item = &batch->items[i];

		operation_add_order(whole, &item->order);
		operation_add_text(whole, item->key);
		if (item->key == NULL)
			continue;
		operation_begin(
		    &item->operation, r->arena, "transfer", item->key);
		operation_add_order(&item->operation, &item->order);
		operation_end(&item->operation);
	}
	operation_end(whole);
}

static enum err
read_batch(struct req *r, const struct batch_in *in, struct batch *ret_batch,
    struct operation *ret_operation)
{
	struct batch b = {
		.count = (int64_t)in->transfers.count,
		.atomic = in->atomic,
	};
	enum err e;

	e = operation_begin_request(ret_operation, r, "batch", in->key);
	if (e != ERR_OK)
		return e;
	if (b.count > BATCH_ITEMS_MAX)
		return ledger_refuse(r, "BATCH_TOO_LARGE");
	b.items = arena_alloc(r->arena, (size_t)b.count * sizeof(*b.items));
	memcpy(
	    b.items, in->transfers.items, (size_t)b.count * sizeof(*b.items));
	for (int64_t i = 0; i < b.count; i++) {
		e = transfer_order_check(r, &b.items[i].order,
		    arena_printf(r->arena, "transfers[%lld].", (long long)i));
		if (e != ERR_OK)
			return e;
	}
	e = check_keys(r, &b, in->key);
	if (e != ERR_OK)
		return e;
	digest(r, &b, ret_operation);
	*ret_batch = b;
	return ERR_OK;
}

/* Writes an error body with the standard members, and the index of the item. */
static enum err
refuse_at(struct req *r, const struct batch_answer *answer)
{
	const struct service_code *code = ledger_code_find(answer->code);
	struct buf b;

	if (answer->index < 0 || code == NULL)
		return ledger_refuse(r, answer->code);
	buf_init(&b, r->arena, ERROR_MAX_BYTES);
	buf_printf(&b,
	    "{\"code\":\"%s\",\"message\":\"%s\",\"requestId\":\"%s\","
	    "\"index\":%lld}",
	    code->code, code->message, r->request_id, (long long)answer->index);
	req_answer(r, err_info(ERR_UNPROCESSABLE)->status, "application/json",
	    b.data, b.len);
	return ERR_OK;
}

static struct objects
results_of(struct arena *a, const struct batch_answer *answer, int64_t count)
{
	struct item_out *items = arena_alloc(a, (size_t)count * sizeof(*items));

	for (int64_t i = 0; i < count; i++) {
		const struct transfer_answer *result = &answer->results[i];
		struct item_error *error;

		if (result->code == NULL) {
			items[i].transfer = &result->transfer;
			continue;
		}
		error = arena_alloc(a, sizeof(*error));
		error->code = result->code;
		error->message = ledger_code_message(result->code);
		items[i].error = error;
	}
	return (struct objects){ items, (size_t)count };
}

static enum err
batches_make(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	const struct wallet_config *config =
	    (const struct wallet_config *)wallet->config;
	struct transfer_actor who = transfer_actor_of(r);
	struct batch_out *out = out_struct;
	struct batch_answer answer;
	struct operation o;
	struct batch batch = { 0 };
	enum err e;

	e = read_batch(r, in_struct, &batch, &o);
	if (e != ERR_OK)
		return e;
	/*
	 * The rate limit has counted the request as one, whatever it contains;
	 * now its items are counted.
	 */
	e = service_charge(
	    r, "batch", batch.count, config->batch_rate, RATE_PERIOD_MS);
	if (e != ERR_OK)
		return e;
	e = batch_make(wallet->db, r->arena, &who, &o, &batch, &answer);
	if (e != ERR_OK)
		return e;
	if (answer.code != NULL)
		return refuse_at(r, &answer);
	if (answer.replayed)
		req_add_header(r, "Idempotency-Replayed", "true");
	if (answer.emitted > 0)
		job_wake(wallet->db);
	out->results = results_of(r->arena, &answer, batch.count);
	return ERR_OK;
}

/* clang-format off */
const struct route batch_routes[] = {
	{ "POST", "/transfers/batch", batches_make,
	  .summary = "Make up to 1000 transfers in order",
	  .in = { .name = "Batch", .size = sizeof(struct batch_in),
	    .fields = in_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("BatchResults", struct batch_out, out_fields),
	  .body_max_bytes = BODY_MAX_BYTES,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_CONFLICT) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_TOO_LARGE) |
	    BIT(ERR_RATE_LIMITED),
	  .headers = transfer_headers },
	{ 0 },
};
/* clang-format on */
