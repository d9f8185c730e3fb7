package shop

const Tax = 0.19

type Priced interface {
	Price() int
}

type Cart struct {
	limit int
}

func (c *Cart) Total(items []Priced) int {
	sum := 0
	return sum + c.limit
}

func NewCart() *Cart {
	return &Cart{limit: 10}
}
