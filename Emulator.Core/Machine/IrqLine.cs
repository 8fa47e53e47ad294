namespace Emulator.Core.Machine;

/// <summary>
/// One interrupt line as its source sees it: the source drives a level and never knows which controller listens.
/// Driving the same level twice does nothing.
/// </summary>
public sealed unsafe class IrqLine
{
    private readonly object? _target;
    private readonly int _number;
    private readonly delegate*<object, int, bool, void> _sink;

    /// <summary>A line to nowhere, for a chip that is tested alone; <see cref="Level"/> can be read.</summary>
    public IrqLine()
    {
    }

    /// <summary>Creates a line that calls a static function of its listener on every change of level.</summary>
    /// <param name="target">The listener.</param>
    /// <param name="number">The listener's input number.</param>
    /// <param name="sink">Called with listener, number and the new level.</param>
    public IrqLine(object target, int number, delegate*<object, int, bool, void> sink)
    {
        _target = target;
        _number = number;
        _sink = sink;
    }

    /// <summary>The level that the source drives.</summary>
    public bool Level { get; private set; }

    /// <summary>Drives the line.</summary>
    /// <param name="level">True for asserted.</param>
    public void Set(bool level)
    {
        if (Level != level)
        {
            Level = level;
            if (_sink != null)
            {
                _sink(_target!, _number, level);
            }
        }
    }

    /// <summary>Sets the level without telling the listener, which restores its own side from the same snapshot.</summary>
    /// <param name="level">The level at the time of the snapshot.</param>
    public void Restore(bool level) => Level = level;
}
