module sendwatch

go 1.26.0
