select {{ labels.label("customer") }} as customer, sum(amount) as amount
from {{ ref("raw_orders") }}
group by customer
