#include "links/qr/qr.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <png.h>
#include <qrencode.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "links/log_events.h"

enum { SVG_MAX_BYTES = 1 << 20, VERSION_ANY = 0 };

static void
release(void *code)
{
	QRcode_free(code);
}

static QRecLevel
level_of(const char *level)
{
	if (str_eq(level, "L"))
		return QR_ECLEVEL_L;
	if (str_eq(level, "Q"))
		return QR_ECLEVEL_Q;
	return str_eq(level, "H") ? QR_ECLEVEL_H : QR_ECLEVEL_M;
}

static enum err
encode(struct arena *a, const char *text, const struct qr_options *options,
    const QRcode **ret_code)
{
	QRcode *code;

	assert(strlen(text) <= QR_TEXT_MAX);
	code = QRcode_encodeString(text, VERSION_ANY, level_of(options->level),
	    QR_MODE_8, /* casesensitive= */ 1);
	if (code == NULL) {
		log_event(LOG_ERROR, EVENT_QR_FAILED);
		return ERR_UNAVAILABLE;
	}
	arena_defer(a, release, code);
	*ret_code = code;
	return ERR_OK;
}

static bool
is_dark(const QRcode *code, int x, int y)
{
	return (code->data[y * code->width + x] & 1) != 0;
}

/* Writes each run of dark modules in a row as a rectangle of one path. */
static void
put_row(struct buf *b, const QRcode *code, int y, int margin)
{
	for (int x = 0; x < code->width; x++) {
		int begin = x;

		while (x < code->width && is_dark(code, x, y))
			x++;
		if (x > begin)
			buf_printf(b, "M%d %dh%dv1h-%dz", begin + margin,
			    y + margin, x - begin, x - begin);
	}
}

enum err
qr_svg(struct arena *a, const char *text, const struct qr_options *options,
    const char **ret_bytes, size_t *ret_len)
{
	int margin = (int)options->margin, size;
	const QRcode *code;
	struct buf b;
	enum err e = encode(a, text, options, &code);

	if (e != ERR_OK)
		return e;
	size = code->width + 2 * margin;
	buf_init(&b, a, SVG_MAX_BYTES);
	buf_printf(&b,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\" "
	    "shape-rendering=\"crispEdges\">"
	    "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path d=\"",
	    size * (int)options->scale, size * (int)options->scale, size, size,
	    size, size);
	for (int y = 0; y < code->width; y++)
		put_row(&b, code, y, margin);
	buf_puts(&b, "\"/></svg>\n");
	assert(!buf_failed(&b));
	*ret_bytes = b.data;
	*ret_len = b.len;
	return ERR_OK;
}

/* One byte for each pixel: 0 is black, 255 is white. */
static const unsigned char *
draw(struct arena *a, const QRcode *code, int scale, int margin, int size)
{
	unsigned char *pixels = arena_alloc(a, (size_t)size * (size_t)size);

	memset(pixels, 255, (size_t)size * (size_t)size);
	for (int y = 0; y < code->width * scale; y++) {
		unsigned char *row =
		    pixels + (size_t)(y + margin * scale) * (size_t)size +
		    margin * scale;

		for (int x = 0; x < code->width; x++) {
			if (is_dark(code, x, y / scale))
				memset(row + x * scale, 0, (size_t)scale);
		}
	}
	return pixels;
}

static enum err
refuse_image(png_image *image)
{
	png_image_free(image);
	log_event(LOG_ERROR, EVENT_QR_FAILED);
	return ERR_UNAVAILABLE;
}

enum err
qr_png(struct arena *a, const char *text, const struct qr_options *options,
    const char **ret_bytes, size_t *ret_len)
{
	int margin = (int)options->margin, scale = (int)options->scale, size;
	png_image image = { .version = PNG_IMAGE_VERSION,
		.format = PNG_FORMAT_GRAY };
	const unsigned char *pixels;
	png_alloc_size_t len = 0;
	const QRcode *code;
	char *bytes;
	enum err e = encode(a, text, options, &code);

	if (e != ERR_OK)
		return e;
	size = (code->width + 2 * margin) * scale;
	pixels = draw(a, code, scale, margin, size);
	image.width = image.height = (png_uint_32)size;
	if (!png_image_write_to_memory(&image, NULL, &len,
		/* convert_to_8bit= */ 0, pixels, size, /* colormap= */ NULL))
		return refuse_image(&image);
	bytes = arena_alloc(a, len);
	if (!png_image_write_to_memory(
		&image, bytes, &len, 0, pixels, size, NULL))
		return refuse_image(&image);
	*ret_bytes = bytes;
	*ret_len = len;
	return ERR_OK;
}
