/*
 * log_events: the log events of the master process and its workers.
 * docs/LOGS.md explains each.
 */
#ifndef PROCESS_LOG_EVENTS_H
#define PROCESS_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_ACCEPT_OUT_OF_RESOURCES \
	LOG_EVENT("accept paused: out of resources")
#define EVENT_ACCEPT_FAILED LOG_EVENT("accept failed")
#define EVENT_LISTEN_FAILED LOG_EVENT("cannot listen")
#define EVENT_RESTART_STARTED LOG_EVENT("restart: checking the binary")
#define EVENT_RESTART_CHECK_FAILED \
	LOG_EVENT("restart failed: binary check failed")
#define EVENT_RESTART_FORK_FAILED LOG_EVENT("restart failed: cannot fork")
#define EVENT_RESTART_EXEC_FAILED \
	LOG_EVENT("restart failed: cannot execute binary")
#define EVENT_RESTART_STATE_INVALID LOG_EVENT("invalid restart state")
#define EVENT_RESTART_COMPLETE LOG_EVENT("restart complete")
#define EVENT_SERVICE_STARTED LOG_EVENT("service started")
#define EVENT_SERVICE_DRAINING LOG_EVENT("service draining")
#define EVENT_SERVICE_STOPPED LOG_EVENT("service stopped")
#define EVENT_BINARY_PATH_UNKNOWN LOG_EVENT("cannot determine path of binary")
#define EVENT_SIGNALFD_FAILED LOG_EVENT("cannot create signalfd")
#define EVENT_PIPE_FAILED LOG_EVENT("cannot create pipe")
#define EVENT_POOL_NAME_INVALID LOG_EVENT("invalid pool name")
#define EVENT_TOO_MANY_PROCESSES LOG_EVENT("too many processes")
#define EVENT_WORKER_FORK_FAILED LOG_EVENT("cannot fork worker")
#define EVENT_WORKER_READY LOG_EVENT("worker ready")
#define EVENT_WORKER_EXITED LOG_EVENT("worker exited")
#define EVENT_WORKER_CRASHED LOG_EVENT("worker exited unexpectedly")
#define EVENT_WORKER_KILLED LOG_EVENT("worker killed: drain timeout exceeded")
#define EVENT_PROCESSES_UNRESPONSIVE LOG_EVENT("processes unresponsive")

#endif
