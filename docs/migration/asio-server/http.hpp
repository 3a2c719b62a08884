// As much of HTTP/1.1 as the server needs. It stays as it is on all rungs.
#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>

struct Request {
  std::string target;
  bool keep_alive = true;
};

/// Of a head with its empty line. Empty where it is no GET request.
inline std::optional<Request> parse(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t end = line.rfind(" HTTP/1.");
  if (!line.starts_with("GET /") || end == std::string_view::npos || end < 5) return std::nullopt;
  std::string lower(head);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool close = lower.find("connection: close") != std::string::npos || line.ends_with('0');
  return Request{.target = std::string(line.substr(5, end - 5)), .keep_alive = !close};
}

inline std::string response(int status, const std::string& body, bool keep_alive) {
  const char* const reason = status == 200   ? "OK"
                             : status == 400 ? "Bad Request"
                             : status == 404 ? "Not Found"
                                             : "Gateway Timeout";
  return "HTTP/1.1 " + std::to_string(status) + ' ' + reason + "\r\nContent-Length: " + std::to_string(body.size()) +
         (keep_alive ? "" : "\r\nConnection: close") + "\r\n\r\n" + body;
}
