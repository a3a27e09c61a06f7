#include "links/qr/qr_routes.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "links/link/link_store.h"
#include "links/link/link_view.h"
#include "links/links.h"
#include "links/qr/qr.h"

struct qr_in {
	const char *id;
	const char *format;
	struct qr_options options;
};

static const char *const formats[] = { "svg", "png", NULL };
static const char *const levels[] = { "L", "M", "Q", "H", NULL };

/* clang-format off */
static const struct field in_fields[] = {
	{ FIELD(struct qr_in, id, "id"), .from = FROM_PATH, .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct qr_in, format, "format"), .from = FROM_QUERY,
	  .one_of = formats, .fallback = "svg" },
	{ FIELD(struct qr_in, options.level, "level"), .from = FROM_QUERY,
	  .one_of = levels, .fallback = "M",
	  .doc = "How much of the code may be damaged: 7, 15, 25 or 30 %." },
	{ FIELD(struct qr_in, options.scale, "scale"), .from = FROM_QUERY,
	  .min = 1, .max = QR_SCALE_MAX, .fallback = "8",
	  .doc = "Pixels of a module." },
	{ FIELD(struct qr_in, options.margin, "margin"), .from = FROM_QUERY,
	  .max = QR_MARGIN_MAX, .fallback = "4",
	  .doc = "Modules of white around the code; readers need four." },
	{ 0 },
};
/* clang-format on */

static enum err
qr_get(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	const struct qr_in *in = in_struct;
	bool png = str_eq(in->format, "png");
	const char *url, *bytes;
	struct link link;
	size_t len;
	enum err e;

	e = link_find(links_of(r)->process.db, r->arena, r->identity->user_id,
	    in->id, &link);
	if (e != ERR_OK)
		return e;
	url = link_url(r, link.slug);
	if (strlen(url) > QR_TEXT_MAX)
		return req_invalid(r, "Host", "is too long for a QR code");
	e = (png ? qr_png : qr_svg)(r->arena, url, &in->options, &bytes, &len);
	if (e != ERR_OK)
		return e;
	req_add_header(r, "Content-Disposition",
	    arena_printf(
		r->arena, "inline; filename=\"%s.%s\"", link.slug, in->format));
	req_answer(r, 200, png ? "image/png" : "image/svg+xml", bytes, len);
	return ERR_OK;
}

/* clang-format off */
const struct route qr_routes[] = {
	{ "GET", "/links/{id}/qr", qr_get,
	  .summary = "The QR code of the short address, as an image",
	  .in = SCHEMA(struct qr_in, in_fields), .status = 200,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ 0 },
};
/* clang-format on */
