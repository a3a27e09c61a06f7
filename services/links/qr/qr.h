/*
 * qr: QR codes as SVG and as PNG.
 *
 * The libraries libqrencode and libpng are used in this file only.
 */
#ifndef LINKS_QR_H
#define LINKS_QR_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;

enum { QR_SCALE_MAX = 16, QR_MARGIN_MAX = 16, QR_TEXT_MAX = 512 };

struct qr_options {
	const char *level; /* "L", "M", "Q" or "H": how much may be damaged */
	int64_t scale; /* pixels of a module, 1 to QR_SCALE_MAX */
	int64_t margin; /* modules around the code, 0 to QR_MARGIN_MAX */
};

/* `text` has at most QR_TEXT_MAX bytes.  ERR_UNAVAILABLE: no memory. */
MUST_CHECK enum err qr_svg(struct arena *a, const char *text,
    const struct qr_options *options, const char **ret_bytes, size_t *ret_len);
MUST_CHECK enum err qr_png(struct arena *a, const char *text,
    const struct qr_options *options, const char **ret_bytes, size_t *ret_len);

#endif
