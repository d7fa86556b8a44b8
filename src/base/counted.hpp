// Counts as long as it lives, whatever way its owner ends.
#pragma once

namespace postern {

template <class Number>
class counted {
public:
    explicit counted(Number& number) : number_(number) { ++number_; }
    ~counted() { --number_; }
    counted(counted const&) = delete;
    counted& operator=(counted const&) = delete;

private:
    Number& number_;
};

}  // namespace postern
