// Go's own library alone: nothing is fetched.
module weft/bench

go 1.19
