//! Functions whose last digit follows the method that Java's `StrictMath` is bound to (fdlibm's, by K. C. Ng).

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const HALF_LN2: f64 = 0.346_573_590_279_972_6;
/// Above this a cosh is half of an exp.
const COSH_LARGE: f64 = 22.0;

/// e^x: x is split into k·ln2 + r, and e^r comes from a rational approximation.
pub(super) fn exp(x: f64) -> f64 {
    if x.is_nan() || !(-745.133_219_101_941_1..=709.782_712_893_384).contains(&x) {
        return x.exp();
    }
    let size = x.abs();
    if size < 3.725_290_298_461_914e-9 {
        return 1.0 + x;
    }
    let (k, high, low) = if size <= HALF_LN2 {
        (0, x, 0.0)
    } else {
        let k = if size < 3.0 * HALF_LN2 {
            x.signum() as i32
        } else {
            (std::f64::consts::LOG2_E * x + 0.5f64.copysign(x)) as i32
        };
        let steps = f64::from(k);
        (k, x - steps * LN2_HIGH, steps * LN2_LOW)
    };
    let r = high - low;
    let t = r * r;
    let polynomial = 1.666_666_666_666_660_2e-1
        + t * (-2.777_777_777_701_559_3e-3
            + t * (6.613_756_321_437_934e-5
                + t * (-1.653_390_220_546_525_2e-6 + t * 4.138_136_797_057_238_5e-8)));
    let c = r - t * polynomial;
    if k == 0 {
        return 1.0 - ((r * c) / (c - 2.0) - r);
    }
    let y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    // In two steps, so that neither power leaves the range of a double.
    let half = k / 2;
    y * 2f64.powi(half) * 2f64.powi(k - half)
}

pub(super) fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if size < HALF_LN2 {
        let t = size.exp_m1();
        let w = 1.0 + t;
        return 1.0 + (t * t) / (w + w);
    }
    if size < COSH_LARGE {
        let t = exp(size);
        return 0.5 * t + 0.5 / t;
    }
    x.cosh()
}
