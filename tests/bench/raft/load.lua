-- What wrk asks: a small change of one thing a request, or of several in one. Told by the environment.
--   LOAD_TO: okube or etcd     LOAD_CHANGES: changes in a request     LOAD_THINGS: how many things there are
--   LOAD_RUN: a word that no other run has     LOAD_TOKEN: Okube's bearer token
local to = os.getenv("LOAD_TO")
local changes = tonumber(os.getenv("LOAD_CHANGES"))
local things = tonumber(os.getenv("LOAD_THINGS"))
local run = os.getenv("LOAD_RUN")
local token = os.getenv("LOAD_TOKEN") or ""

local threads = 0

function setup(thread)
  thread:set("own", threads)
  threads = threads + 1
end

local asked = 0

local function http(method, path, headers, body)
  return table.concat({
    method, " ", path, " HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\n", headers,
    "Content-Length: ", #body, "\r\n\r\n", body,
  })
end

local function service(thing, number)
  return string.format('{"name":"s%05d","image":"host","replicas":0,"labels":{"n":"%08d"}}', thing, number)
end

-- Base64 of something of the size of a service: any letters of its alphabet are, four at a time.
local filler = string.rep("okube", 20)
local function put(thing, number)
  return string.format('"key":"svc%05d","value":"%s%08d"', thing, filler, number)
end

local function each(form, first, number)
  local parts = {}
  for place = 1, changes do
    parts[place] = form((first + place) % things, number)
  end
  return parts
end

local kinds = {}

function kinds.okube(first, number)
  local key = string.format("%s-%d-%d", run, own, number)
  local headers = "Authorization: Bearer " .. token .. "\r\nIdempotency-Key: " .. key .. "\r\n"
  if changes == 1 then
    local thing = first % things
    return http("PUT", string.format("/v1/services/s%05d", thing), headers, service(thing, number))
  end
  local body = '{"services":[' .. table.concat(each(service, first, number), ",") .. "]}"
  return http("POST", "/v1/apply", headers, body)
end

function kinds.etcd(first, number)
  if changes == 1 then
    return http("POST", "/v3/kv/put", "", "{" .. put(first % things, number) .. "}")
  end
  local operations = table.concat(each(put, first, number), '}},{"requestPut":{')
  return http("POST", "/v3/kv/txn", "", '{"success":[{"requestPut":{' .. operations .. "}}]}")
end

local make = kinds[to]

function request()
  asked = asked + 1
  return make((asked + own * 7) * changes, asked)
end

function done(summary, latency, requests)
  io.write(string.format(
    '\n{"requests":%d,"duration_us":%d,"refused":%d,"broken":%d,"timed_out":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write, summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
