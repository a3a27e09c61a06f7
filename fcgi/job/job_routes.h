/* job_routes: PREFIX/jobs, for admins. */
#ifndef JOB_JOB_ROUTES_H
#define JOB_JOB_ROUTES_H

#include "web/service.h"

extern const struct route job_routes[];

#endif
