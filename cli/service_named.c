#include "service_named.h"

#include "message.h"
#include "nearest.h"

const struct spec_service *
service_named(const struct spec *spec, const char *name)
{
	const struct spec_service *service = spec_find(spec, name);
	const char *names[SPEC_SERVICES_MAX + 1] = { NULL };
	const char *meant;

	if (service != NULL)
		return service;
	for (int i = 0; i < spec->nservices; i++)
		names[i] = spec->services[i].name;
	meant = nearest_name(names, name);
	print_error("there is no service %s%s%s%s", name,
	    meant != NULL ? "; did you mean " : "", meant != NULL ? meant : "",
	    meant != NULL ? "?" : "");
	return NULL;
}
