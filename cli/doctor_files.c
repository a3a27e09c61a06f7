#include "doctor.h"

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "file_set.h"
#include "nginx.h"
#include "rehearse.h"
#include "render_plan.h"
#include "render_set.h"

/* A stack: its files are written at each start. */
static void
check_stack(struct doctor *d)
{
	struct file_set files;
	const char *text;
	size_t i;

	if (d->url == NULL)
		return;
	file_set_init(&files, d->arena);
	if (!nginx_add(&d->site, &files)) {
		doctor_add(d, SEVERITY_ERROR, "see the message above",
		    "nginx's configuration cannot be made from kedge.json");
		return;
	}
	for (i = 0; i < files.n; i++) {
		text = file_find(
		    d->arena, files.items[i].path, /* ret_len= */ NULL);
		if (text == NULL || !str_eq(text, files.items[i].text))
			doctor_add(d, SEVERITY_WARNING,
			    "run \"kedge restart\" to use the new one",
			    "%s differs from what kedge.json says",
			    files.items[i].path);
	}
}

static void
report(struct doctor *d, const struct render_file *file)
{
	static const char render[] = "run \"kedge render\", then reload nginx "
				     "and the units";

	switch (file->change) {
	case RENDER_SAME:
		return;
	case RENDER_NEW:
		doctor_add(
		    d, SEVERITY_ERROR, render, "%s is missing", file->path);
		return;
	case RENDER_CHANGED:
		doctor_add(d, SEVERITY_WARNING, render,
		    "%s differs from what kedge.json says", file->path);
		return;
	case RENDER_GONE:
		doctor_add(d, SEVERITY_WARNING, render,
		    "%s is for something that is no longer in kedge.json",
		    file->path);
		return;
	case RENDER_EDITED:
	case RENDER_GONE_EDITED:
		doctor_add(d, SEVERITY_ERROR,
		    arena_printf(d->arena,
			"move the change to %s, then run \"kedge render "
			"--force\"",
			file->additions),
		    "%s was edited; the next \"kedge render\" stops there",
		    file->path);
		return;
	case RENDER_FOREIGN:
		doctor_add(d, SEVERITY_ERROR, "move it elsewhere",
		    "%s is in the place of a file of Kedge's", file->path);
		return;
	}
}

/*
 * Writing is safe if nothing that a person has written is lost and nginx
 * accepts the result.
 */
static bool
repair(struct doctor *d, const struct render_plan *plan)
{
	size_t same = render_plan_count(plan, RENDER_SAME);

	if (!d->fix || same == plan->n ||
	    render_plan_count(plan, RENDER_EDITED) > 0 ||
	    render_plan_count(plan, RENDER_GONE_EDITED) > 0 ||
	    render_plan_count(plan, RENDER_FOREIGN) > 0 ||
	    !rehearse(&d->site) || !render_plan_write(plan, /* force= */ false))
		return false;
	doctor_add(d, SEVERITY_NOTE, "reload nginx and the units",
	    "%zu files were written", plan->n - same);
	return true;
}

static void
check_server(struct doctor *d)
{
	const struct render_options o = {
		.root = "",
		.source = SITE_ETC "/kedge.json",
		.kinds = (1U << RENDER_KINDS) - 1,
	};
	struct render_plan plan;
	size_t i;

	if (!render_plan_make(&plan, &d->site, &o)) {
		doctor_add(d, SEVERITY_ERROR, "see the message above",
		    "the files cannot be made from kedge.json");
		return;
	}
	if (repair(d, &plan))
		return;
	for (i = 0; i < plan.n; i++)
		report(d, &plan.files[i]);
}

void
doctor_files(struct doctor *d)
{
	if (d->site.is_server)
		check_server(d);
	else
		check_stack(d);
}
