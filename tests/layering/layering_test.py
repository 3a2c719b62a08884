#!/usr/bin/env python3
"""The layering check sees what it must: small trees with and without a broken rule."""

import pathlib
import tempfile
import unittest

import layering


class Layering(unittest.TestCase):
    def found(self, check=layering.violations, **files):
        """The violations in a tree of files, given as path_with__for_slashes='included header' (or a list of them)."""
        with tempfile.TemporaryDirectory() as folder:
            for name, headers in files.items():
                path = pathlib.Path(folder, name.replace("__", "/") + ".hpp")
                path.parent.mkdir(parents=True, exist_ok=True)
                headers = [headers] if isinstance(headers, str) else headers
                lines = [f'#include {h}' if h.startswith('"') else f"#include <{h}>" for h in headers]
                path.write_text("#pragma once\n" + "\n".join(lines) + "\n", encoding="utf-8")
            return check(folder)

    def assert_allowed(self, **files):
        self.assertEqual(self.found(**files), [])

    def assert_broken(self, **files):
        self.assertEqual(len(self.found(**files)), 1)

    def test_every_room_may_include_the_standard_library_the_leaves_and_itself(self):
        for room in ("legacy", "modern", "bridge"):
            self.assert_allowed(**{f"{room}__include__segue__{room}__a": [
                "vector", "cxxabi.h", "sys/mman.h", "segue/outcome.hpp", f"segue/{room}/b.hpp",
                f"segue/{room}/detail/c.hpp"]})

    def test_a_violation_names_file_line_and_header(self):
        [message] = self.found(legacy__include__segue__legacy__a=["vector", "coroutine"])
        self.assertTrue(message.startswith("legacy/include/segue/legacy/a.hpp:3: includes coroutine:"), message)

    def test_the_leaves_include_no_room(self):
        self.assert_broken(include__segue__outcome="segue/legacy/generator.hpp")

    def test_the_faces_include_public_headers_only(self):
        self.assert_allowed(include__segue__asyncio="segue/modern/tasks/task.hpp")
        self.assert_broken(include__segue__asyncio="segue/modern/detail/frame.hpp")
        self.assert_broken(include__segue__asyncio="boost/asio.hpp")

    def test_no_room_includes_another_but_bridge(self):
        self.assert_broken(legacy__include__segue__legacy__a="segue/modern/tasks/task.hpp")
        self.assert_broken(modern__include__segue__modern__a="segue/legacy/generator.hpp")
        self.assert_broken(modern__src__a="segue/bridge/coroutine.hpp")
        self.assert_allowed(bridge__include__segue__bridge__a=["segue/legacy/generator.hpp", "segue/modern/tasks/task.hpp"])

    def test_no_room_includes_a_face(self):
        self.assert_broken(bridge__include__segue__bridge__a="segue/segue.hpp")

    def test_boost_context_has_one_door_in_legacy_detail(self):
        door = {"legacy__include__segue__legacy__detail__switch": "boost/context/detail/fcontext.hpp"}
        self.assert_allowed(**door)
        self.assert_broken(**door, legacy__include__segue__legacy__detail__other="boost/context/fiber.hpp")
        self.assert_broken(legacy__include__segue__legacy__generator="boost/context/detail/fcontext.hpp")
        self.assert_broken(modern__src__a="boost/context/detail/fcontext.hpp")
        self.assert_broken(bridge__include__segue__bridge__asio="boost/context/detail/fcontext.hpp")

    def test_legacy_knows_no_coroutine_header_in_its_detail_either(self):
        self.assert_broken(legacy__include__segue__legacy__detail__a="coroutine")
        self.assert_allowed(modern__include__segue__modern__a="coroutine")

    def test_asio_stays_in_the_asio_adapter(self):
        self.assert_broken(modern__src__reactor="boost/asio.hpp")
        self.assert_broken(modern__include__segue__modern__a="boost/asio.hpp")
        self.assert_broken(modern__include__segue__modern__detail__a="boost/asio/ip/tcp.hpp")
        self.assert_broken(legacy__src__a="boost/asio.hpp")
        self.assert_allowed(bridge__include__segue__bridge__asio="boost/asio.hpp")
        self.assert_allowed(bridge__include__segue__bridge__asio__token="boost/asio/async_result.hpp")
        self.assert_allowed(bridge__src__asio__reactor=["boost/asio/post.hpp", "boost/system/error_code.hpp"])
        self.assert_broken(bridge__src__asio__reactor="boost/coroutine2/all.hpp")
        self.assert_broken(bridge__include__segue__bridge__portal="boost/asio/async_result.hpp")

    def test_the_only_logger_is_in_the_adapter_that_is_named_after_it(self):
        self.assert_broken(modern__include__segue__modern__a="fmt/core.h")
        self.assert_broken(modern__src__a="spdlog/spdlog.h")
        self.assert_broken(bridge__include__segue__bridge__portal="spdlog/spdlog.h")
        self.assert_allowed(bridge__include__segue__bridge__spdlog="spdlog/spdlog.h")

    def test_bridge_leaves_the_other_rooms_details_alone(self):
        self.assert_broken(bridge__include__segue__bridge__a="segue/legacy/detail/switch.hpp")
        self.assert_broken(bridge__include__segue__bridge__asio="segue/modern/detail/frame.hpp")

    def test_a_floor_of_modern_knows_those_below_it_only(self):
        self.assert_allowed(modern__include__segue__modern__sync__lock=[
            "segue/modern/sync/event.hpp", "segue/modern/kernel/wait_queue.hpp", "segue/modern/tasks/future.hpp"])
        self.assert_broken(modern__include__segue__modern__kernel__driver="segue/modern/loop/event_loop.hpp")
        self.assert_broken(modern__src__tasks__wait="segue/modern/sync/event.hpp")
        self.assert_broken(modern__src__net__a='"streams/b.hpp"', modern__src__streams__b="vector")
        self.assert_broken(modern__include__segue__modern__streams__a="segue/modern/testing/manual_reactor.hpp")
        self.assert_allowed(modern__include__segue__modern__testing__a="segue/modern/streams/streams.hpp")

    def test_nobody_names_another_rooms_details(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "bridge/include/segue/bridge/a.hpp")
            path.parent.mkdir(parents=True)
            path.write_text("#pragma once\nbridge::bridge_detail::Own own;  // modern::detail::Theirs\n", encoding="utf-8")
            self.assertEqual(layering.violations(folder), [])
            for name in ("modern::detail", "legacy::legacy_detail"):
                path.write_text(f"#pragma once\n{name}::Theirs theirs;\n", encoding="utf-8")
                [message] = layering.violations(folder)
                self.assertTrue(message.startswith(f"bridge/include/segue/bridge/a.hpp:2: names {name}"), message)

    def test_an_unknown_library_is_a_violation(self):
        self.assert_broken(modern__src__a="zlib.h")
        self.assert_broken(modern__src__a="boost/optional.hpp")

    def test_quotes_reach_the_rooms_own_sources_only(self):
        self.assert_allowed(modern__src__a='"b.hpp"', modern__src__b="vector")
        self.assert_broken(modern__src__a='"../../legacy/src/b.hpp"', legacy__src__b="vector")
        self.assert_broken(modern__src__a='"nowhere.hpp"')

    def test_the_header_that_has_everything_reaches_every_public_header_but_the_adapters(self):
        files = {"include__segue__segue": ["segue/asyncio.hpp", "segue/legacy/generator.hpp"],
                 "include__segue__asyncio": "segue/modern/tasks/task.hpp",
                 "modern__include__segue__modern__tasks__task": "segue/modern/detail/core.hpp",
                 "modern__include__segue__modern__detail__core": "segue/modern/kernel/driver.hpp",
                 "modern__include__segue__modern__kernel__driver": "any",
                 "modern__include__segue__modern__detail__unused": "any",
                 "modern__src__a": "any",
                 "bridge__include__segue__bridge__asio": "boost/asio.hpp",
                 "bridge__include__segue__bridge__asio__reactor": "boost/asio.hpp",
                 "legacy__include__segue__legacy__generator": "any"}
        self.assertEqual(self.found(layering.unreached, **files), [])
        files["legacy__include__segue__legacy__iter"] = "any"
        self.assertEqual(self.found(layering.unreached, **files), ["segue/legacy/iter.hpp"])


if __name__ == "__main__":
    unittest.main()
