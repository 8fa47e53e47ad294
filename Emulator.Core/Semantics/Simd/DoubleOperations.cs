namespace Emulator.Core.Semantics.Simd;

/// <summary>An operation on one double-precision lane, for code that is generic over the operation.</summary>
internal interface IDoubleOperation
{
    /// <summary>
    /// The result; exceptions are added to <paramref name="raised"/>. Unary operations look at <paramref name="b"/> only.
    /// </summary>
    static abstract ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised);

    /// <summary>Whether <see cref="Host"/> may stand for the operation; see <see cref="HostArithmetic"/>.</summary>
    static abstract bool HasHost { get; }

    /// <summary>The operation as the host computes it, to nearest.</summary>
    static abstract double Host(double a, double b);
}

/// <inheritdoc cref="ScalarDouble.Add"/>
internal readonly struct DoubleAdd : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.Add(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static double Host(double a, double b) => a + b;
}

/// <inheritdoc cref="ScalarDouble.Subtract"/>
internal readonly struct DoubleSubtract : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.Subtract(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static double Host(double a, double b) => a - b;
}

/// <inheritdoc cref="ScalarDouble.Multiply"/>
internal readonly struct DoubleMultiply : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.Multiply(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static double Host(double a, double b) => a * b;
}

/// <inheritdoc cref="ScalarDouble.Divide"/>
internal readonly struct DoubleDivide : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.Divide(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static double Host(double a, double b) => a / b;
}

/// <inheritdoc cref="ScalarDouble.SquareRoot"/>
internal readonly struct DoubleSquareRoot : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.SquareRoot(b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static double Host(double a, double b) => Math.Sqrt(b);
}

/// <inheritdoc cref="ScalarDouble.Min"/>
internal readonly struct DoubleMin : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.Min(a, b, mxcsr, ref raised);

    public static bool HasHost => false;

    public static double Host(double a, double b) => b;
}

/// <inheritdoc cref="ScalarDouble.Max"/>
internal readonly struct DoubleMax : IDoubleOperation
{
    public static ulong Apply(ulong a, ulong b, uint mxcsr, ref uint raised) => ScalarDouble.Max(a, b, mxcsr, ref raised);

    public static bool HasHost => false;

    public static double Host(double a, double b) => b;
}
