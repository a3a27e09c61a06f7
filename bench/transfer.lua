-- transfer: the requests that wrk sends for bench/ledger.  Arguments: a file with the
-- ids of accounts, one per line; "uniform", "hot" (all pay the first account) or
-- "payroll" (one account pays all others of a batch); the number of transfers in a
-- request: 1, or more for a batch; for a batch, "atomic" or "independent".
local ids, hot, payroll, size, atomic = {}, false, false, 1, "false"
local path = "/api/wallet/transfers"
local random, format = math.random, string.format

-- Idempotency keys must be new in each run, but math.random begins with the same
-- numbers each time: seed it.
local function seed()
	local urandom = io.open("/dev/urandom", "rb")
	local n = 0
	for i = 1, 6 do
		n = n * 256 + urandom:read(1):byte()
	end
	urandom:close()
	math.randomseed(n)
end

function init(args)
	seed()
	for id in io.lines(args[1]) do
		ids[#ids + 1] = id
	end
	hot = args[2] == "hot"
	payroll = args[2] == "payroll"
	size = tonumber(args[3])
	atomic = tostring(args[4] == "atomic")
	wrk.headers["content-type"] = "application/json"
end

local function key()
	return format("%08x-%08x-%08x-%08x", random(0, 0xffffffff),
		random(0, 0xffffffff), random(0, 0xffffffff),
		random(0, 0xffffffff))
end

local function payer()
	return random(hot and 2 or 1, #ids)
end

local function transfer(debit)
	local credit = 1
	if not hot then
		credit = random(1, #ids - 1)
		if credit >= debit then
			credit = credit + 1
		end
	end
	return format('{"debitAccountId":"%s","creditAccountId":"%s",'
		.. '"amount":%d,"memo":"lunch"}', ids[debit], ids[credit],
		random(1, 100))
end

local function batch()
	local items = {}
	local debit = payer()
	for i = 1, size do
		items[i] = transfer(debit)
		if not payroll then
			debit = payer()
		end
	end
	return '{"atomic":' .. atomic .. ',"transfers":['
		.. table.concat(items, ",") .. "]}"
end

function request()
	wrk.headers["idempotency-key"] = key()
	if size == 1 then
		return wrk.format("POST", path, nil, transfer(payer()))
	end
	return wrk.format("POST", path .. "/batch", nil, batch())
end
