// What was found out, for programs and for people. Text is made here, and printed elsewhere.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "diagnose/findings.hpp"
#include "terminal/paint.hpp"

namespace postern::diagnose {

struct page {
    std::size_t width = 80;
    terminal::painter paint{false};
    bool dialogue = false;               // all that was said
    std::vector<std::string> program{};  // how the person's mail program is set up; its name first
};

/// One object: verdict, steps, and all that they rest on. No secret is in it.
boost::json::value to_json(observations const& o, diagnosis const& d);

/// The steps, a line each; those after `reached` are not there yet.
std::vector<std::string> step_lines(diagnosis const& d, page const& p, step reached);
/// Headline, what to do, evidence, what else was noticed.
std::vector<std::string> result_lines(observations const& o, diagnosis const& d, page const& p);

/// What a verdict is called when nothing is wrong; else the first finding's.
std::string headline(observations const& o, diagnosis const& d);

}  // namespace postern::diagnose
