add_library(postern_warnings INTERFACE)
target_compile_options(postern_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these on its own library and on Boost's coroutine frames.
  target_compile_options(postern_warnings INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread
    -Wno-free-nonheap-object -Wno-dangling-pointer -Wno-mismatched-new-delete)
endif()
