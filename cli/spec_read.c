#include "spec.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#include "file.h"
#include "json_path.h"
#include "message.h"
#include "spec_check.h"
#include "spec_part.h"

static bool
read_nginx(
    const struct json_path *p, const struct json *j, struct spec_nginx *ret)
{
	static const char *const known[] = { "workers", "connections",
		"perAddress", "perNetwork", "logSample", NULL };
	struct json_path here = json_path_member(p, "nginx");

	*ret = (struct spec_nginx){
		.connections = 16384,
		.per_address = 256,
		.per_network = 1024,
		.log_sample = 1,
	};
	if (!json_path_check_object(&here, j, known) ||
	    !json_path_read_int(&here, j, "workers", 1, 64, &ret->workers) ||
	    !json_path_read_optional(
		&here, j, "connections", 64, 1000000, &ret->connections) ||
	    !json_path_read_optional(
		&here, j, "perAddress", 1, 65535, &ret->per_address) ||
	    !json_path_read_optional(
		&here, j, "perNetwork", 1, 65535, &ret->per_network) ||
	    !json_path_read_optional(
		&here, j, "logSample", 1, 10000, &ret->log_sample))
		return false;
	if (ret->per_address > ret->per_network)
		return json_path_conflict(
		    &here, "perAddress must not be above perNetwork");
	return ret->per_network <= ret->connections * ret->workers / 4 ||
	       json_path_conflict(&here,
		   "perNetwork must be at most a quarter of the connections "
		   "of all workers, or one network could use them all");
}

/* The address of a JSON Schema is for editors; it changes nothing here. */
static bool
read_schema(const struct json_path *p, const struct json *j)
{
	struct json_path here = json_path_member(p, "$schema");

	return json_member(j, "$schema") == NULL ||
	       json_member_string(j, "$schema") != NULL ||
	       json_path_fail(&here, "must be a text");
}

static bool
read_spec(const struct json_path *p, const struct json *j, struct spec *spec)
{
	static const char *const known[] = { "$schema", "nginx", "services",
		"web", "serverNames", "tls", "trustedProxies", "mail", "log",
		"metrics", NULL };
	const struct json *list;
	struct json_path services = json_path_member(p, "services");
	struct json_path item;
	size_t i;

	if (!json_path_check_object(p, j, known) || !read_schema(p, j) ||
	    !read_nginx(p, json_member(j, "nginx"), &spec->nginx) ||
	    !spec_site_read(p, j, spec))
		return false;
	list = json_member(j, "services");
	if (!json_path_check_array(&services, list, 1, SPEC_SERVICES_MAX))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = json_path_item(&services, i);
		if (!spec_service_read(
			&item, json_item(list, i), &spec->services[i]) ||
		    !spec_check_service(&item, spec, (int)i))
			return false;
		spec->nservices++;
	}
	return spec->verifier != NULL ||
	       json_path_conflict(
		   &services, "one service must have a pool verify");
}

static bool
fail_to_parse(const char *path, const struct json_read_result *result)
{
	if (result->detail != NULL)
		print_error("%s:%d: %s: %s", path, result->line,
		    result->problem, result->detail);
	else
		print_error("%s: %s", path, result->problem);
	return false;
}

bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec)
{
	struct json_path top = { .arena = a, .file = path, .path = "" };
	struct json_read_result result;
	const struct json *j;

	top.text = file_read(a, path, &top.len);
	if (top.text == NULL)
		return false;
	j = json_read_bounded(a, top.text, top.len, JSON_VALUES_MAX, &result);
	if (j == NULL)
		return fail_to_parse(path, &result);
	*ret_spec = (struct spec){ 0 };
	return read_spec(&top, j, ret_spec);
}

const struct spec_service *
spec_find(const struct spec *spec, const char *name)
{
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (str_eq(spec->services[i].name, name))
			return &spec->services[i];
	return NULL;
}

bool
spec_is_own(const struct spec_service *service)
{
	return service->upstream.kind == SPEC_UPSTREAM_NONE;
}
