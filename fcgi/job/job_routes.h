/* job_routes: the HTTP routes PREFIX/jobs, for administrators. */
#ifndef JOB_JOB_ROUTES_H
#define JOB_JOB_ROUTES_H

#include "web/service.h"

extern const struct route job_routes[];

#endif
